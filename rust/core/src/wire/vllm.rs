//! vLLM's `prompt_logprobs`: null first, then `{"<id>": {"logprob": ..., "rank": ...}}` a token sent.
//!
//! A row holds the top k and the token sent: k or k + 1 entries. One outside the top k goes to `claimed_logprob` and
//! `claimed_rank` (vLLM's rank - 1).

use super::asked::Asked;
use super::envelope::{first_of, refuse_error};
use super::error::{Result, WireError};
use super::reader::Reader;
use super::rows::WireRows;

/// The rows of an answer of vLLM's `POST /v1/completions`.
pub(super) fn parse(body: &[u8], asked: Asked<'_>) -> Result<WireRows> {
    asked.check()?;
    let mut reader = Reader::new(body);
    let mut choice = Choice::default();
    let mut found = false;
    reader.object(&["error", "choices"], |reader, name| {
        if name == "error" {
            return refuse_error(reader);
        }
        found = first_of(reader, |reader| choice.read(reader, asked))?;
        Ok(())
    })?;
    reader.finish()?;
    if !found {
        return Err(WireError::NoChoices);
    }
    if let Some(echoed) = &choice.echoed {
        check_echo(echoed, asked.sent)?;
    }
    if let Some(fault) = choice.fault {
        return Err(fault);
    }
    let rows = choice.rows.ok_or(WireError::NoList { list: "prompt_logprobs", dialect: "vLLM's" })?;
    if rows.len() != asked.sent.len() {
        return Err(WireError::RowCount { returned: rows.len(), sent: asked.sent.len() });
    }
    Ok(rows.split_off(asked.prompt_length))
}

#[derive(Default)]
struct Choice {
    echoed: Option<Vec<u32>>,
    rows: Option<WireRows>,
    /// What is wrong with a row. Other tokens than those sent are the better explanation, so it waits for the echo.
    fault: Option<WireError>,
}

impl Choice {
    fn read(&mut self, reader: &mut Reader<'_>, asked: Asked<'_>) -> Result<()> {
        reader.object(&["prompt_token_ids", "prompt_logprobs"], |reader, name| {
            if reader.null()? {
                return Ok(());
            }
            if name == "prompt_logprobs" {
                self.rows = Some(self.read_rows(reader, asked)?);
                return Ok(());
            }
            if reader.peek()? != jiter::Peek::Array {
                return Err(reader.form("the reference's prompt_token_ids are not a list"));
            }
            let mut echoed = Vec::with_capacity(asked.sent.len());
            reader.array(|reader, _| {
                echoed.push(reader.token_id()?);
                Ok(())
            })?;
            self.echoed = Some(echoed);
            Ok(())
        })
    }

    fn read_rows(&mut self, reader: &mut Reader<'_>, asked: Asked<'_>) -> Result<WireRows> {
        let mut rows = WireRows::new();
        if reader.peek()? != jiter::Peek::Array {
            return Err(WireError::NoList { list: "prompt_logprobs", dialect: "vLLM's" });
        }
        reader.array(|reader, j| {
            let claimed = asked.sent.get(j).copied();
            // Row 0 has nothing before it; whatever it holds means nothing.
            let Some(claimed) = claimed.filter(|_| j > 0 && self.fault.is_none()) else {
                rows.end_row(f32::NAN, -1);
                return reader.skip();
            };
            let rank = if reader.null()? {
                // Nobody needs the prompt's rows; those of a prefix that is cached are null.
                if j < asked.prompt_length {
                    rows.end_row(f32::NAN, -1);
                    return Ok(());
                }
                None
            } else {
                read_row(reader, &mut rows, claimed).map_err(|fault| in_row(fault, j))?
            };
            if let Err(fault) = end_row(&mut rows, j, claimed, rank, asked.topk) {
                self.fault = Some(fault);
                rows.clear_row();
                rows.end_row(f32::NAN, -1);
            }
            Ok(())
        })?;
        Ok(rows)
    }
}

/// Reads the entries of a row; returns the claimed token's rank, if it is told.
fn read_row(reader: &mut Reader<'_>, rows: &mut WireRows, claimed: u32) -> Result<Option<i32>> {
    let mut claimed_rank = None;
    reader.dictionary(
        |key| key.parse::<u32>().ok(),
        |reader, key| {
            let token_id = key.ok_or_else(|| reader.form("a key is not a token id"))?;
            let (mut logprob, mut rank) = (None, None);
            reader.object(&["logprob", "rank"], |reader, name| {
                if name == "rank" {
                    rank = reader.count()?;
                } else {
                    logprob = Some(reader.logprob()?);
                }
                Ok(())
            })?;
            rows.push(token_id, logprob.ok_or_else(|| reader.form("an entry has no logprob"))?);
            if token_id == claimed {
                claimed_rank = rank;
            }
            Ok(())
        },
    )?;
    Ok(claimed_rank)
}

/// Ends a row: the claimed token must be among its entries, and leaves them if it is the odd one out.
fn end_row(rows: &mut WireRows, position: usize, claimed: u32, rank: Option<i32>, asked: usize) -> Result<()> {
    let start = rows.start();
    let entries = rows.token_ids.len() - start;
    if entries == 0 {
        return Err(WireError::NoLogprobs { position });
    }
    let Some(at) = rows.token_ids[start..].iter().position(|&id| id == claimed).map(|at| start + at) else {
        return Err(WireError::OtherToken { position, token_id: claimed });
    };
    if entries > asked + 1 {
        return Err(WireError::EntryCount { position, entries, asked });
    }
    // By its rank too: a server that lowers k without a word gives fewer than k + 1 entries. The rank of a token that
    // shares its logprob with others may be that of the last of them, so a single entry stays.
    let ranked_out = entries > 1 && rank.is_some_and(|rank| usize::try_from(rank).is_ok_and(|rank| rank > entries));
    if entries == asked + 1 || ranked_out {
        rows.token_ids.remove(at);
        let logprob = rows.logprobs.remove(at);
        rows.end_row(logprob, rank.filter(|&rank| rank > 0).map_or(-1, |rank| rank - 1));
    } else {
        rows.end_row(f32::NAN, -1);
    }
    Ok(())
}

fn in_row(fault: WireError, position: usize) -> WireError {
    match fault {
        WireError::Form { path, byte, what } => WireError::VllmRow { position, path, byte, what },
        other => other,
    }
}

fn check_echo(echoed: &[u32], sent: &[u32]) -> Result<()> {
    let length = echoed.len().max(sent.len());
    match (0..length).find(|&position| echoed.get(position) != sent.get(position)) {
        None => Ok(()),
        Some(position) => {
            let shown = |id: Option<&u32>| id.map_or_else(|| "nothing".to_owned(), |id| format!("id {id}"));
            let (theirs, ours) = (shown(echoed.get(position)), shown(sent.get(position)));
            Err(WireError::Echo { position, sent: sent.len(), theirs, ours })
        }
    }
}
