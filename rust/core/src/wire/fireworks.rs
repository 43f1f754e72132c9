//! `choices[0].logprobs.content`: one object a token, as Fireworks gives for `logprobs: true` on completions.
//!
//! With `echo` the first row is there, with an unconditional value that means nothing; with `echo_last` it is missing.

use super::align::Echo;
use super::asked::Asked;
use super::entry::Entry;
use super::envelope::{completion_tokens, first_of, refuse_error};
use super::error::{Result, WireError};
use super::reader::Reader;
use super::rows::WireRows;
use crate::topk::UNRESOLVED;

/// The rows of an answer with a `content` list.
pub(super) fn parse(body: &[u8], asked: Asked<'_>) -> Result<WireRows> {
    asked.check()?;
    let mut reader = Reader::new(body);
    let (mut content, mut found, mut generated) = (None, false, None);
    reader.object(&["error", "choices", "usage"], |reader, name| match name {
        "error" => refuse_error(reader),
        "usage" => {
            generated = completion_tokens(reader)?;
            Ok(())
        }
        _ => {
            found = first_of(reader, |reader| {
                content = read_choice(reader, asked)?;
                Ok(())
            })?;
            Ok(())
        }
    })?;
    reader.finish()?;
    if !found {
        return Err(WireError::NoChoices);
    }
    let (echo, rows) = content.ok_or(WireError::NoList { list: "logprobs.content", dialect: "Fireworks'" })?;
    let lead = echo.align(asked, generated.unwrap_or(1))?;
    rows.output(lead + asked.prompt_length - asked.first, asked, asked.topk)
}

type Content = (Echo, WireRows);

fn read_choice(reader: &mut Reader<'_>, asked: Asked<'_>) -> Result<Option<Content>> {
    let mut content = None;
    reader.object(&["logprobs"], |reader, _| {
        if reader.null()? {
            return Ok(());
        }
        reader.object(&["content"], |reader, _| {
            content = if reader.null()? { None } else { Some(read_content(reader, asked)?) };
            Ok(())
        })
    })?;
    Ok(content)
}

fn read_content(reader: &mut Reader<'_>, asked: Asked<'_>) -> Result<Content> {
    let (mut echo, mut rows) = (Echo::default(), WireRows::new());
    reader.array(|reader, j| {
        // The prompt's own rows are never used, whether or not one more leads them.
        let with_top = asked.first + j >= asked.prompt_length;
        let own = Entry::read(reader, &mut rows, asked.vocabulary, with_top)?;
        echo.push(own.token_id.unwrap_or(UNRESOLVED), &own.text);
        rows.end_row(own.logprob.unwrap_or(f32::NAN), -1);
        Ok(())
    })?;
    Ok((echo, rows))
}
