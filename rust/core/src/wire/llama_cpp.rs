//! llama.cpp scores no prompts: one request a position, whose one generated token comes with its rivals.
//!
//! They stand in `completion_probabilities` (`POST /completion`) or in `choices[0].logprobs.content` (`/v1/completions`).

use super::asked::Asked;
use super::entry::{Entry, Named};
use super::envelope::{first_of, refuse_error};
use super::error::{Result, WireError};
use super::reader::Reader;
use super::rows::WireRows;
use crate::vocabulary::{Form, Vocabulary};

/// The row of the one position that an answer is about: the last token sent is claimed there, all others are its prompt.
pub(super) fn parse(body: &[u8], asked: Asked<'_>) -> Result<WireRows> {
    asked.check()?;
    let mut reader = Reader::new(body);
    let mut row = None;
    reader.object(&["error", "completion_probabilities", "choices"], |reader, name| match name {
        "error" => refuse_error(reader),
        "completion_probabilities" => {
            row = first_entry(reader, asked.vocabulary)?.or(row.take());
            Ok(())
        }
        _ => first_of(reader, |reader| {
            reader.object(&["logprobs"], |reader, _| {
                if reader.null()? {
                    return Ok(());
                }
                reader.object(&["content"], |reader, _| {
                    row = first_entry(reader, asked.vocabulary)?.or(row.take());
                    Ok(())
                })
            })
        })
        .map(drop),
    })?;
    reader.finish()?;
    let missing = WireError::NoList { list: "completion_probabilities", dialect: "llama.cpp's" };
    // The generated token may be another than the claimed one: only the list of rivals counts.
    row.ok_or(missing)?.output(0, asked, asked.topk)
}

fn first_entry(reader: &mut Reader<'_>, vocabulary: Option<&Vocabulary>) -> Result<Option<WireRows>> {
    let mut row = None;
    if reader.null()? {
        return Ok(row);
    }
    reader.array(|reader, index| {
        if index > 0 {
            return reader.skip();
        }
        let mut rows = WireRows::new();
        let own = Entry::read(reader, &mut rows, Named { vocabulary, form: Form::Unknown }, true)?;
        // A lone text that stands for the generated token tells nothing about the claimed one.
        rows.forget_own_token(own.token_id);
        rows.end_row(f32::NAN, -1);
        row = Some(rows);
        Ok(())
    })?;
    Ok(row)
}
