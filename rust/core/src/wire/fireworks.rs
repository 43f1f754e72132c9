//! `choices[0].logprobs.content`: one object a token, as Fireworks gives for `logprobs: true` on completions.
//!
//! With `echo` the first row is there, with an unconditional value that means nothing; with `echo_last` it is missing.

use super::align::Echo;
use super::asked::Asked;
use super::entry::{Entry, Named};
use super::envelope::{completion_tokens, first_of, refuse_error};
use super::error::{Result, WireError};
use super::reader::Reader;
use super::rows::WireRows;
use crate::topk::UNRESOLVED;
use crate::vocabulary::Form;

/// The rows of an answer with a `content` list.
pub(super) fn parse(body: &[u8], asked: Asked<'_>) -> Result<WireRows> {
    asked.check()?;
    let mut reader = Reader::new(body);
    let named = Named { vocabulary: asked.vocabulary, form: form_of(body, asked)? };
    let (mut content, mut found, mut generated) = (None, false, None);
    reader.object(&["error", "choices", "usage"], |reader, name| match name {
        "error" => refuse_error(reader),
        "usage" => {
            generated = completion_tokens(reader)?;
            Ok(())
        }
        _ => {
            found = first_of(reader, |reader| {
                content = read_choice(reader, asked, named)?;
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

/// How the answer writes tokens, which all of them tell together; read only where they are known by name.
fn form_of(body: &[u8], asked: Asked<'_>) -> Result<Form> {
    let Some(vocabulary) = asked.vocabulary else { return Ok(Form::Unknown) };
    let mut texts = Vec::new();
    Reader::new(body).object(&["choices"], |reader, _| {
        first_of(reader, |reader| {
            inside(reader, "logprobs", |reader| {
                inside(reader, "content", |reader| {
                    reader.array(|reader, _| {
                        inside(reader, "token", |reader| {
                            texts.push(reader.string(str::to_owned)?);
                            Ok(())
                        })
                    })?;
                    Ok(())
                })
            })
        })
        .map(drop)
    })?;
    Ok(vocabulary.form_of(&texts))
}

/// Visits one field of an object, if it is there and not null.
fn inside(
    reader: &mut Reader<'_>,
    name: &'static str,
    mut visit: impl FnMut(&mut Reader<'_>) -> Result<()>,
) -> Result<()> {
    reader.object(&[name], |reader, _| if reader.null()? { Ok(()) } else { visit(reader) })
}

type Content = (Echo, WireRows);

fn read_choice(reader: &mut Reader<'_>, asked: Asked<'_>, named: Named<'_>) -> Result<Option<Content>> {
    let mut content = None;
    reader.object(&["logprobs"], |reader, _| {
        if reader.null()? {
            return Ok(());
        }
        reader.object(&["content"], |reader, _| {
            content = if reader.null()? { None } else { Some(read_content(reader, asked, named)?) };
            Ok(())
        })
    })?;
    Ok(content)
}

fn read_content(reader: &mut Reader<'_>, asked: Asked<'_>, named: Named<'_>) -> Result<Content> {
    let (mut echo, mut rows) = (Echo::default(), WireRows::new());
    reader.array(|reader, j| {
        // The prompt's own rows are never used, whether or not one more leads them.
        let with_top = asked.first + j >= asked.prompt_length;
        let own = Entry::read(reader, &mut rows, named, with_top)?;
        echo.push(own.token_id.unwrap_or(UNRESOLVED), &own.text);
        rows.end_row(own.logprob.unwrap_or(f32::NAN), -1);
        Ok(())
    })?;
    Ok((echo, rows))
}
