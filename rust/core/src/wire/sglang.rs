//! `SGLang`'s `POST /generate`: `meta_info.input_token_logprobs` and `input_top_logprobs`, triples `[logprob, id, text]`.
//!
//! The first entry is null, as nothing stands before it. JSON has no infinity: a null logprob in a row is -inf.

use super::align::Echo;
use super::asked::Asked;
use super::envelope::refuse_error;
use super::error::{Result, WireError};
use super::reader::Reader;
use super::rows::WireRows;
use crate::topk::UNRESOLVED;

/// The rows of an answer of `POST /generate`.
pub(super) fn parse(body: &[u8], asked: Asked<'_>) -> Result<WireRows> {
    asked.check()?;
    let mut reader = Reader::new(body);
    let (mut chosen, mut top) = (None, None);
    reader.object(&["error", "meta_info"], |reader, name| {
        if name == "error" {
            return refuse_error(reader);
        }
        reader.object(&["input_token_logprobs", "input_top_logprobs"], |reader, name| {
            if reader.null()? {
                return Ok(());
            }
            if name == "input_top_logprobs" {
                top = Some(read_top(reader)?);
            } else {
                chosen = Some(read_chosen(reader)?);
            }
            Ok(())
        })
    })?;
    reader.finish()?;
    let (echo, logprobs) = chosen.ok_or(WireError::NoList { list: "input_token_logprobs", dialect: "SGLang's" })?;
    let mut rows = top.ok_or(WireError::NoList { list: "input_top_logprobs", dialect: "SGLang's" })?;
    // An answer may start later than asked: its ids tell.
    let sent = asked.sent.len();
    let first = sent.checked_sub(echo.len()).filter(|&first| first <= asked.prompt_length && echo.len() == rows.len());
    let first = first.ok_or(WireError::RowCount { returned: rows.len().min(echo.len()), sent })?;
    let asked = Asked { first, ..asked };
    echo.align(asked, 0)?;
    rows.claimed_logprob = logprobs;
    rows.output(asked.prompt_length - first, asked, asked.topk)
}

/// The tokens that the answer is about, and their logprobs; NaN where it is null.
fn read_chosen(reader: &mut Reader<'_>) -> Result<(Echo, Vec<f32>)> {
    let (mut echo, mut logprobs) = (Echo::default(), Vec::new());
    reader.array(|reader, _| {
        let (logprob, id) = read_triple(reader)?;
        echo.push(id, "");
        logprobs.push(logprob.unwrap_or(f32::NAN));
        Ok(())
    })?;
    Ok((echo, logprobs))
}

fn read_top(reader: &mut Reader<'_>) -> Result<WireRows> {
    let mut rows = WireRows::new();
    reader.array(|reader, _| {
        if !reader.null()? {
            reader.array(|reader, _| {
                let (logprob, id) = read_triple(reader)?;
                rows.push(id, logprob.unwrap_or(f32::NEG_INFINITY));
                Ok(())
            })?;
        }
        rows.end_row(f32::NAN, -1);
        Ok(())
    })?;
    Ok(rows)
}

fn read_triple(reader: &mut Reader<'_>) -> Result<(Option<f32>, u32)> {
    let (mut logprob, mut id) = (None, UNRESOLVED);
    reader.array(|reader, index| {
        match index {
            0 if !reader.null()? => logprob = Some(reader.logprob()?),
            0 => {}
            1 => id = reader.token_id()?,
            _ => reader.skip()?,
        }
        Ok(())
    })?;
    if id == UNRESOLVED { Err(reader.form("not a list of a logprob and a token id")) } else { Ok((logprob, id)) }
}
