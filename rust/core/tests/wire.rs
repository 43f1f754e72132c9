//! Each dialect's quirks, and answers that cannot be trusted.

#![expect(clippy::float_cmp, reason = "values are read as they were written")]

use token_difr_core::wire::{Asked, WireRows, parse};
use token_difr_core::{UNRESOLVED, Vocabulary};

const SENT: [u32; 4] = [10, 11, 20, 21];
const ASKED: Asked<'static> = Asked { sent: &SENT, prompt_length: 2, topk: 2, first: 0, vocabulary: None };

/// One token after a prompt.
const NEXT: Asked<'static> = Asked { sent: &[10, 5], prompt_length: 1, ..ASKED };

/// Ten tokens whose text is a letter, and two that are halves of a character.
fn vocabulary() -> Vocabulary {
    let mut texts: Vec<String> = (0..24).map(|id| format!("t{id}")).collect();
    for id in [22, 23] {
        "\u{FFFD}".clone_into(&mut texts[id]);
    }
    let pieces: Vec<String> = (0..24).map(|id| format!("piece{id}")).collect();
    Vocabulary::new(&pieces, &texts, &[], false)
}

fn rows(rows: &WireRows) -> Vec<Vec<(u32, f32)>> {
    let at = |offset: i64| usize::try_from(offset).unwrap_or(0);
    let entries = |pair: &[i64]| at(pair[0])..at(pair[1]);
    let pairs = rows.indptr.windows(2).map(entries);
    pairs
        .map(|row| rows.token_ids[row.clone()].iter().copied().zip(rows.logprobs[row].iter().copied()).collect())
        .collect()
}

#[test]
fn vllm_entries_of_k_and_of_k_and_one() -> Result<(), Box<dyn std::error::Error>> {
    let body = br#"{"choices":[{"prompt_logprobs":[null,{"11":{"logprob":-1}},
        {"20":{"logprob":-7.5,"rank":500},"1":{"logprob":-0.5,"rank":1},"2":{"logprob":-9999.0,"rank":2}},
        {"21":{"logprob":-0.25,"rank":1,"decoded_token":"a\"b"},"3":{"rank":2,"logprob":-2}}]}]}"#;
    let found = parse("vllm", body, ASKED)?;
    assert_eq!(rows(&found), [vec![(1, -0.5), (2, f32::NEG_INFINITY)], vec![(21, -0.25), (3, -2.0)]]);
    assert_eq!(found.claimed_logprob[0], -7.5);
    assert!(found.claimed_logprob[1].is_nan());
    assert_eq!(found.claimed_rank, [499, -1]);
    assert!(found.contiguous);
    Ok(())
}

#[test]
fn fireworks_first_row_is_present_and_means_nothing() -> Result<(), Box<dyn std::error::Error>> {
    let entry = |id: u32, top: &str| format!(r#"{{"token_id":{id},"logprob":-3,"top_logprobs":[{top}]}}"#);
    let top = r#"{"token_id":1,"logprob":-0.5},{"token_id":21,"logprob":-1.5}"#;
    let list = [entry(10, top), entry(11, top), entry(20, top), entry(21, top), entry(7, top)];
    for (entries, first) in [(&list[..], 0), (&list[..4], 0), (&list[2..], 2)] {
        let body = format!(r#"{{"choices":[{{"logprobs":{{"content":[{}]}}}}]}}"#, entries.join(","));
        let found = parse("content", body.as_bytes(), Asked { first, ..ASKED })?;
        assert_eq!(rows(&found), [[(1, -0.5), (21, -1.5)]; 2]);
        assert_eq!(found.claimed_logprob[0], -3.0, "outside of the row");
        assert!(found.claimed_logprob[1].is_nan(), "inside of it");
    }
    Ok(())
}

#[test]
fn sglang_null_is_minus_infinity_and_the_first_entry_nothing() -> Result<(), Box<dyn std::error::Error>> {
    let body =
        br#"{"text":"","meta_info":{"input_token_logprobs":[[null,10,null],[-1,11,null],[-4,20,null],[-0.5,21,null]],
        "input_top_logprobs":[null,[[-1,11,null]],[[-0.5,1,"x"],[null,2,null]],[[-0.5,21,null],[-2,1,null]]]}}"#;
    let found = parse("sglang", body, ASKED)?;
    assert_eq!(rows(&found), [[(1, -0.5), (2, f32::NEG_INFINITY)], [(21, -0.5), (1, -2.0)]]);
    assert_eq!(found.claimed_logprob[0], -4.0);
    Ok(())
}

fn legacy(tokens: &str, logprobs: &str, top: &str, more: &str) -> String {
    format!(
        r#"{{"choices":[{{"logprobs":{{"top_logprobs":[{top}],"tokens":[{tokens}],"token_logprobs":[{logprobs}]}}}}]{more}}}"#
    )
}

#[test]
fn legacy_ids_written_as_keys_lose_nothing() -> Result<(), Box<dyn std::error::Error>> {
    let body = legacy(
        r#""token_id:10","token_id:11","token_id:20","token_id:21""#,
        "null,-1,-8,-0.5",
        r#"null,{"token_id:11":-1,"token_id:5":-2},{"token_id:1":-0.5,"token_id:2":-1,"token_id:20":-8},{"token_id:21":-0.5,"token_id:1":-1}"#,
        "",
    );
    let found = parse("legacy", body.as_bytes(), ASKED)?;
    assert_eq!(rows(&found), [[(1, -0.5), (2, -1.0)], [(21, -0.5), (1, -1.0)]]);
    assert_eq!(found.claimed_logprob[0], -8.0);
    assert!(found.contiguous);
    Ok(())
}

#[test]
fn legacy_strings_are_never_a_wrong_id() -> Result<(), Box<dyn std::error::Error>> {
    let sent = [10, 11, 22, 21];
    let asked = Asked { sent: &sent, ..ASKED };
    // The claimed token 22 is half a character, as 23 is; only its value tells which of them the key stands for.
    for (value, expected) in [("-2", 22), ("-1.5", UNRESOLVED)] {
        let top = format!(r#"null,{{"t11":-1}},{{"t3":-0.5,"\ufffd":{value}}},{{"t21":-0.5,"piece4":-1,"?":-2}}"#);
        let body = legacy(r#""t10","t11","\ufffd","t21""#, "null,-1,-2,-0.5", &top, "");
        let found = parse("legacy", body.as_bytes(), Asked { vocabulary: Some(&vocabulary()), ..asked })?;
        assert!(!found.contiguous);
        if expected == 22 {
            assert_eq!(rows(&found)[0], [(3, -0.5)], "the least entry is the claimed token");
        } else {
            assert_eq!(rows(&found)[0], [(3, -0.5), (UNRESOLVED, -1.5)]);
        }
        assert_eq!(found.claimed_logprob[0], -2.0);
        assert_eq!(rows(&found)[1], [(21, -0.5), (4, -1.0), (UNRESOLVED, -2.0)]);
    }
    Ok(())
}

#[test]
fn a_leading_row_is_found_by_the_tokens() -> Result<(), Box<dyn std::error::Error>> {
    let top = r#"{"t1":-1},{"t2":-1},{"t3":-1},{"t4":-1},{"t5":-1}"#;
    let logprobs = "-3,-3,-3,-3,-3";
    let led = legacy(r#""t0","t10","t11","t20","t21""#, logprobs, top, "");
    let generated = legacy(r#""t10","t11","t20","t21","t0""#, logprobs, top, "");
    let names = vocabulary();
    assert_eq!(
        rows(&parse("legacy", led.as_bytes(), Asked { vocabulary: Some(&names), ..ASKED })?),
        [[(4, -1.0)], [(5, -1.0)]]
    );
    assert_eq!(
        rows(&parse("legacy", generated.as_bytes(), Asked { vocabulary: Some(&names), ..ASKED })?),
        [[(3, -1.0)], [(4, -1.0)]]
    );
    Ok(())
}

#[test]
fn equal_tokens_are_aligned_by_the_usage() -> Result<(), Box<dyn std::error::Error>> {
    let sent = [7; 3];
    let asked = Asked { sent: &sent, prompt_length: 1, ..ASKED };
    let (tokens, logprobs) = (r#""t7","t7","t7","t7""#, "null,-1,-2,-3");
    for (usage, expected) in [("0", [-2.0, -3.0]), ("1", [-1.0, -2.0])] {
        let more = format!(r#","usage":{{"completion_tokens":{usage}}}"#);
        let body = legacy(tokens, logprobs, "", &more);
        assert_eq!(
            parse("legacy", body.as_bytes(), Asked { vocabulary: Some(&vocabulary()), ..asked })?.claimed_logprob,
            expected
        );
    }
    Ok(())
}

#[test]
fn together_puts_the_prompt_beside_the_choices() -> Result<(), Box<dyn std::error::Error>> {
    let body = br#"{"choices":[{"logprobs":{"tokens":["t3"],"token_logprobs":[-1],"top_logprobs":[{"t3":-1}]}}],
        "prompt":[{"text":"","logprobs":{"tokens":["t10","t11","t20","t21"],"token_ids":[10.0,11.0,20.0,21.0],
        "token_logprobs":[null,-1,-2,-3],"top_logprobs":[null,{"t1":-1},{"t1":-0.5},{"t2":-0.25}]}}]}"#;
    let found = parse("legacy", body, Asked { vocabulary: Some(&vocabulary()), ..ASKED })?;
    assert_eq!(rows(&found), [[(1, -0.5)], [(2, -0.25)]]);
    assert_eq!(found.claimed_logprob, [-2.0, -3.0]);
    Ok(())
}

#[test]
fn llama_cpp_tells_one_row_in_two_forms() -> Result<(), Box<dyn std::error::Error>> {
    let list = r#"[{"id":9,"token":"x","bytes":[120],"logprob":-0.1,"top_logprobs":[{"id":9,"logprob":-0.1},{"id":4,"logprob":-3}]}]"#;
    for body in [
        format!(r#"{{"content":"x","completion_probabilities":{list}}}"#),
        format!(r#"{{"choices":[{{"text":"x","logprobs":{{"content":{list}}}}}]}}"#),
    ] {
        let found = parse("next-token", body.as_bytes(), NEXT)?;
        assert_eq!(rows(&found), [[(9, -0.1), (4, -3.0)]]);
        assert!(found.claimed_logprob[0].is_nan(), "the generated token is not the claimed one");
    }
    Ok(())
}

#[test]
fn each_fault_names_its_place() {
    let fault =
        |body: &str| parse("vllm", body.as_bytes(), ASKED).map_or_else(|error| error.to_string(), |_| String::new());
    let row = |row: &str| format!(r#"{{"choices":[{{"prompt_logprobs":[null,{row}]}}]}}"#);
    for (body, words) in [
        ("{\"choices\":[", "is not JSON: EOF while parsing a list at byte 12"),
        ("[]", "$ of the reference's answer (byte 0): expected object but found array"),
        ("{} x", "at byte 3"),
        (r#"{"error":{"message":"no"}}"#, "an error inside (byte 9)"),
        (r#"{"choices":[{"prompt_token_ids":[10,11,20.5]}]}"#, "$.choices[0].prompt_token_ids[2]"),
        (
            &row(r#"{"11":{"logprob":true}}"#),
            "position 1 is not in vLLM's form ($.choices[0].prompt_logprobs[1].logprob",
        ),
        (&row(r#"{"11":{"logprob":NaN}}"#), "NaN and infinity are no logprobs"),
    ] {
        assert!(fault(body).contains(words), "{body}: {}", fault(body));
    }
}

#[test]
fn what_is_written_for_minus_infinity() {
    let table = [
        ("-9998.5", -9998.5),
        ("-9999", f32::NEG_INFINITY),
        ("-9999.0", f32::NEG_INFINITY),
        ("-99999.0", f32::NEG_INFINITY),
        ("-3.4028235e38", f32::NEG_INFINITY),
        ("-1e400", f32::NEG_INFINITY),
    ];
    for (written, read) in table {
        let body = format!(
            r#"{{"choices":[{{"prompt_token_ids":[10,5],"prompt_logprobs":[null,{{"5":{{"logprob":-0.1}},"2":{{"logprob":{written}}}}}]}}]}}"#
        );
        let found = parse("vllm", body.as_bytes(), NEXT).expect(written);
        assert_eq!(rows(&found), [[(5, -0.1), (2, read)]], "{written}");
    }
}
