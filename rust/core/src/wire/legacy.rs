//! `OpenAI`'s `logprobs: int` of completions: parallel lists, the likeliest tokens as dictionaries keyed by strings.
//!
//! Together puts the prompt's lists into `prompt[0].logprobs`. Keys may be `token_id:N`, which lose nothing; other strings
//! collide where two ids decode to the same text, so that their rows are not contiguous.

use super::align::Echo;
use super::asked::Asked;
use super::envelope::{completion_tokens, first_of, refuse_error};
use super::error::{Result, WireError};
use super::reader::Reader;
use super::rows::{OWN_TOKEN, WireRows};
use crate::topk::UNRESOLVED;
use crate::vocabulary::{Form, Vocabulary};

/// The rows of an answer with parallel lists. Without a vocabulary, entries that are no `token_id:N` are unresolved.
pub(super) fn parse(body: &[u8], asked: Asked<'_>) -> Result<WireRows> {
    asked.check()?;
    let mut reader = Reader::new(body);
    let (mut of_choice, mut of_prompt, mut found, mut generated) = (None, None, false, None);
    reader.object(&["error", "choices", "prompt", "usage"], |reader, name| match name {
        "error" => refuse_error(reader),
        "usage" => {
            generated = completion_tokens(reader)?;
            Ok(())
        }
        "choices" => {
            found = first_of(reader, |reader| {
                of_choice = read_owner(reader)?;
                Ok(())
            })?;
            Ok(())
        }
        _ => first_of(reader, |reader| {
            of_prompt = read_owner(reader)?;
            Ok(())
        })
        .map(drop),
    })?;
    reader.finish()?;
    if !found && of_prompt.is_none() {
        return Err(WireError::NoChoices);
    }
    let after = if of_prompt.is_some() { 0 } else { generated.unwrap_or(1) };
    let lists = of_prompt.or(of_choice).ok_or(WireError::NoList { list: "logprobs", dialect: "OpenAI's" })?;
    let echo = lists.echo();
    let lead = echo.align(asked, after)?;
    let form = asked.vocabulary.map_or(Form::Unknown, |known| known.form_of(&lists.tokens));
    let rows = lists.rows(body, asked.vocabulary, form)?;
    // A server may lower k without a word. Where keys collide, the least entry is always taken to be the odd one out:
    // as a candidate beside its row the claimed token counts the same.
    let k = if rows.contiguous { rows.fewest_entries().map_or(asked.topk, |k| k.min(asked.topk)) } else { 1 };
    rows.output(lead + asked.prompt_length - asked.first, asked, k)
}

/// The lists, and where the dictionaries start: they are read once their rows' own tokens are known.
#[derive(Debug, Default)]
struct Lists {
    tokens: Vec<String>,
    token_logprobs: Vec<Option<f32>>,
    token_ids: Vec<u32>,
    top_logprobs: Option<usize>,
}

/// `logprobs` of a choice, or of Together's prompt.
fn read_owner(reader: &mut Reader<'_>) -> Result<Option<Lists>> {
    let mut lists = None;
    // Together may write the prompt as a string.
    if reader.peek()? != jiter::Peek::Object {
        reader.skip()?;
        return Ok(lists);
    }
    reader.object(&["logprobs"], |reader, _| {
        lists = if reader.null()? { None } else { Some(Lists::read(reader)?) };
        Ok(())
    })?;
    Ok(lists)
}

impl Lists {
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let mut lists = Self::default();
        reader.object(&["tokens", "token_logprobs", "token_ids", "top_logprobs"], |reader, name| {
            if reader.null()? {
                return Ok(());
            }
            match name {
                "tokens" => lists.tokens = read_list(reader, |reader| reader.string(str::to_owned))?,
                "token_ids" => lists.token_ids = read_list(reader, Reader::token_id)?,
                "token_logprobs" => lists.token_logprobs = read_list(reader, Reader::optional_logprob)?,
                _ => {
                    lists.top_logprobs = (reader.peek()? == jiter::Peek::Array).then(|| reader.byte());
                    reader.skip()?;
                }
            }
            Ok(())
        })?;
        Ok(lists)
    }

    fn echo(&self) -> Echo {
        let mut echo = Echo::default();
        for (j, text) in self.tokens.iter().enumerate() {
            let given = (self.token_ids.len() == self.tokens.len()).then(|| self.token_ids[j]);
            echo.push(given.or_else(|| written_id(text)).unwrap_or(UNRESOLVED), text);
        }
        echo
    }

    /// All rows, each with its own token's logprob in `claimed_logprob`.
    fn rows(&self, body: &[u8], vocabulary: Option<&Vocabulary>, form: Form) -> Result<WireRows> {
        let mut rows = WireRows::new();
        if let Some(start) = self.top_logprobs {
            Reader::again(body, start).array(|reader, j| {
                if !reader.null()? {
                    self.read_row(reader, j, &mut rows, vocabulary, form)?;
                }
                rows.end_row(self.logprob(j).unwrap_or(f32::NAN), -1);
                Ok(())
            })?;
        }
        for j in rows.len()..self.tokens.len() {
            rows.end_row(self.logprob(j).unwrap_or(f32::NAN), -1);
        }
        Ok(rows)
    }

    fn read_row(
        &self,
        reader: &mut Reader<'_>,
        j: usize,
        rows: &mut WireRows,
        vocabulary: Option<&Vocabulary>,
        form: Form,
    ) -> Result<()> {
        let (own, own_logprob) = (self.tokens.get(j), self.logprob(j));
        let mut all_ids = true;
        let key = |text: &str| {
            let id = written_id(text);
            all_ids &= id.is_some();
            let found = id.unwrap_or_else(|| vocabulary.map_or(UNRESOLVED, |known| known.find_as(text, form)));
            (found, id.is_none() && own.is_some_and(|own| own == text))
        };
        let mut own_seen = false;
        reader.dictionary(key, |reader, (id, looks_own)| {
            let logprob = reader.logprob()?;
            // Of several tokens with this text the likelier one may have taken the key: only the value tells.
            if looks_own && !own_seen && own_logprob.is_none_or(|own| close(own, logprob)) {
                own_seen = true;
                rows.push(OWN_TOKEN, logprob);
            } else {
                rows.push(if rows.names_already(id) { UNRESOLVED } else { id }, logprob);
            }
            Ok(())
        })?;
        rows.contiguous &= all_ids;
        Ok(())
    }

    fn logprob(&self, j: usize) -> Option<f32> {
        self.token_logprobs.get(j).copied().flatten()
    }
}

fn read_list<'j, T>(reader: &mut Reader<'j>, mut read: impl FnMut(&mut Reader<'j>) -> Result<T>) -> Result<Vec<T>> {
    let mut list = Vec::new();
    reader.array(|reader, _| {
        list.push(read(reader)?);
        Ok(())
    })?;
    Ok(list)
}

/// The id in `token_id:N`.
fn written_id(text: &str) -> Option<u32> {
    text.strip_prefix("token_id:")?.parse().ok().filter(|&id| id < OWN_TOKEN)
}

/// Whether two prints of a logprob may be of one value.
fn close(a: f32, b: f32) -> bool {
    a == b || (a - b).abs() <= 1e-4
}
