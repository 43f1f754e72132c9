//! Reading JSON without building it: objects and arrays call back, and every error knows its path and its byte.

use std::fmt::Write;

use jiter::{Jiter, JiterError, JiterErrorType, Peek};

use super::error::{Result, WireError};
use crate::topk::UNRESOLVED;

/// How vLLM and Fireworks write -inf.
const MINUS_INFINITY: f64 = -9999.0;

/// Bytes in which a list of numbers is looked for as a whole.
const LONGEST_NUMBERS: usize = 256;

/// One step from a value to one inside it.
#[derive(Debug, Clone, Copy)]
enum Step {
    Field(&'static str),
    Index(usize),
}

/// A position in an answer.
pub(super) struct Reader<'j> {
    body: &'j [u8],
    /// Reads from byte `base` on.
    json: Jiter<'j>,
    base: usize,
    path: Vec<Step>,
}

impl<'j> Reader<'j> {
    /// Reads a whole answer.
    pub(super) fn new(body: &'j [u8]) -> Self {
        Self::again(body, 0)
    }

    /// Reads the value that starts at byte `base`, once more.
    pub(super) fn again(body: &'j [u8], base: usize) -> Self {
        Self { body, json: from_byte(body, base), base, path: Vec::new() }
    }

    /// Byte at which the next value starts, or spaces before it.
    pub(super) fn byte(&self) -> usize {
        self.base + self.json.current_index()
    }

    /// The answer ends here.
    pub(super) fn finish(&mut self) -> Result<()> {
        self.json.finish().map_err(|error| self.fault(&error))
    }

    /// Whether the next value is null, which is then read.
    #[inline]
    pub(super) fn null(&mut self) -> Result<bool> {
        if self.peek()? != Peek::Null {
            return Ok(false);
        }
        self.json.known_null().map_err(|error| self.fault(&error))?;
        Ok(true)
    }

    #[inline]
    pub(super) fn peek(&mut self) -> Result<Peek> {
        self.json.peek().map_err(|error| self.fault(&error))
    }

    #[inline]
    pub(super) fn skip(&mut self) -> Result<()> {
        self.json.next_skip().map_err(|error| self.fault(&error))
    }

    /// Skips an array or an object by its brackets alone, several times as fast; what stands in it may be no JSON.
    #[inline]
    pub(super) fn skip_brackets(&mut self) -> Result<()> {
        let is_bracket = matches!(self.peek()?, Peek::Array | Peek::Object);
        match is_bracket.then(|| end_of_brackets(self.body, self.byte())).flatten() {
            Some(end) => {
                (self.json, self.base) = (from_byte(self.body, end), end);
                Ok(())
            }
            // Not an array, or a broken one: the parser says what is wrong.
            None => self.skip(),
        }
    }

    /// An object: `visit` reads the values of the fields named; those of others are skipped.
    #[inline]
    pub(super) fn object(
        &mut self,
        names: &[&'static str],
        mut visit: impl FnMut(&mut Self, &'static str) -> Result<()>,
    ) -> Result<()> {
        let known = |key: &str| names.iter().copied().find(|&name| name == key);
        let first = self.json.next_object().map(|key| key.map(known));
        let mut field = first.map_err(|error| self.fault(&error))?;
        while let Some(name) = field {
            if let Some(name) = name {
                self.path.push(Step::Field(name));
                visit(self, name)?;
                self.path.pop();
            } else {
                self.skip()?;
            }
            let next = self.json.next_key().map(|key| key.map(known));
            field = next.map_err(|error| self.fault(&error))?;
        }
        Ok(())
    }

    /// An object of any keys: `key` makes something of each, `visit` reads the value.
    #[inline]
    pub(super) fn dictionary<K>(
        &mut self,
        mut key: impl FnMut(&str) -> K,
        mut visit: impl FnMut(&mut Self, K) -> Result<()>,
    ) -> Result<()> {
        let first = self.json.next_object().map(|text| text.map(&mut key));
        let mut field = first.map_err(|error| self.fault(&error))?;
        while let Some(made) = field {
            visit(self, made)?;
            let next = self.json.next_key().map(|text| text.map(&mut key));
            field = next.map_err(|error| self.fault(&error))?;
        }
        Ok(())
    }

    /// An array, whose length is returned; `visit` reads the elements.
    #[inline]
    pub(super) fn array(&mut self, mut visit: impl FnMut(&mut Self, usize) -> Result<()>) -> Result<usize> {
        let mut length = 0;
        let mut next = self.json.next_array().map_err(|error| self.fault(&error))?;
        while next.is_some() {
            self.path.push(Step::Index(length));
            visit(self, length)?;
            self.path.pop();
            length += 1;
            next = self.json.array_step().map_err(|error| self.fault(&error))?;
        }
        Ok(length)
    }

    /// A string, handed to `read`.
    #[inline]
    pub(super) fn string<T>(&mut self, read: impl FnOnce(&str) -> T) -> Result<T> {
        let text = self.json.next_str().map(read);
        text.map_err(|error| self.fault(&error))
    }

    #[inline]
    fn number(&mut self) -> Result<f64> {
        self.json.next_float().map_err(|error| self.fault(&error))
    }

    /// A logprob; [`MINUS_INFINITY`] and all below it is -inf.
    #[inline]
    pub(super) fn logprob(&mut self) -> Result<f32> {
        let value = self.number()?;
        if value.is_nan() || value == f64::INFINITY {
            return Err(self.form("NaN and infinity are no logprobs"));
        }
        Ok(if value <= MINUS_INFINITY { f32::NEG_INFINITY } else { value as f32 })
    }

    /// A logprob, or None where it is null.
    pub(super) fn optional_logprob(&mut self) -> Result<Option<f32>> {
        if self.null()? { Ok(None) } else { self.logprob().map(Some) }
    }

    /// A whole number in a range, written as an integer or as a float.
    #[inline]
    fn whole(&mut self, largest: f64) -> Result<Option<f64>> {
        let value = self.number()?;
        Ok((value.fract() == 0.0 && (0.0..=largest).contains(&value)).then_some(value))
    }

    /// A token id; some APIs write them as floats.
    #[inline]
    #[expect(clippy::cast_sign_loss, reason = "checked to be in range")]
    pub(super) fn token_id(&mut self) -> Result<u32> {
        match self.whole(f64::from(UNRESOLVED - 1))? {
            Some(value) => Ok(value as u32),
            None => Err(self.form("not a token id")),
        }
    }

    /// A count, such as a rank; None where it is null, negative or too large.
    #[inline]
    pub(super) fn count(&mut self) -> Result<Option<i32>> {
        if self.null()? { Ok(None) } else { Ok(self.whole(f64::from(i32::MAX))?.map(|value| value as i32)) }
    }

    /// An error at this place.
    #[cold]
    pub(super) fn form(&self, what: &str) -> WireError {
        WireError::Form { path: self.shown_path(), byte: self.byte(), what: what.to_owned() }
    }

    #[cold]
    fn fault(&self, error: &JiterError) -> WireError {
        let (byte, what) = (self.base + error.index, error.error_type.to_string());
        match error.error_type {
            JiterErrorType::JsonError(_) => WireError::NotJson { what, byte },
            // The JSON parser calls every number a float: ids and counts are numbers too.
            JiterErrorType::WrongType { .. } => WireError::Form {
                path: self.shown_path(),
                byte,
                what: what.replace("expected float", "expected a number"),
            },
        }
    }

    fn shown_path(&self) -> String {
        let mut shown = String::from("$");
        for step in &self.path {
            // Writing to a String cannot fail.
            let _ = match step {
                Step::Field(name) => write!(shown, ".{name}"),
                Step::Index(index) => write!(shown, "[{index}]"),
            };
        }
        shown
    }
}

fn from_byte(body: &[u8], base: usize) -> Jiter<'_> {
    Jiter::new(body.get(base..).unwrap_or_default()).with_allow_inf_nan()
}

/// The byte after the bracket that closes the one at `start`; None where none does, or 64 are open at once.
fn end_of_brackets(body: &[u8], start: usize) -> Option<usize> {
    // One bit an open bracket, the innermost last; 1 = an object.
    let (mut kinds, mut depth, mut at) = (0_u64, 0_u32, start);
    loop {
        if let Some(end) = end_of_numbers(body, at) {
            at = end;
            if depth == 0 {
                return Some(at);
            }
            continue;
        }
        let byte = *body.get(at)?;
        at += 1;
        match byte {
            b'"' => at = end_of_string(body, at)?,
            b'[' | b'{' if depth == 64 => return None,
            b'[' | b'{' => (kinds, depth) = (kinds << 1 | u64::from(byte == b'{'), depth + 1),
            b']' | b'}' if kinds & 1 != u64::from(byte == b'}') => return None,
            b']' | b'}' => {
                (kinds, depth) = (kinds >> 1, depth - 1);
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
}

/// The same where a list of numbers alone starts, such as a token's bytes: no quote and no letter stands in it.
fn end_of_numbers(body: &[u8], start: usize) -> Option<usize> {
    let inside = body.get(start..)?.strip_prefix(b"[")?;
    let length = memchr::memchr(b']', inside.get(..inside.len().min(LONGEST_NUMBERS))?)?;
    // Without an early end, so that it is compiled to a few wide steps.
    let other = inside[..length].iter().fold(false, |other, &byte| other | (byte > b'9') | (byte == b'"'));
    (!other).then_some(start + length + 2)
}

/// The byte after the quote that closes the string whose first character is at `at`.
fn end_of_string(body: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *body.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_end_where_they_close() {
        for (body, end) in [
            ("[1,2] 3", Some(5)),
            (r#"{"a]":["\\","\"}"]}"#, Some(19)),
            ("[1,2", None),
            ("[}", None),
            (r#"["]"#, None),
            (r#"["\"#, None),
        ] {
            assert_eq!(end_of_brackets(body.as_bytes(), 0), end, "{body}");
        }
        assert_eq!(end_of_brackets("[".repeat(65).as_bytes(), 0), None);
    }
}
