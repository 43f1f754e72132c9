"""The one store of an audit: a directory that holds what every stage made, so that an audit goes on where it stopped.

    run.json         whose audit this is: endpoints, model, sampling, digest of the prompts, versions; never a key
    prompts.jsonl    the conversations, one a line, so that the directory stands alone
    responses.jsonl  collect:   the provider's answers, whole
    sequences.jsonl  tokenize:  token ids
    rows.jsonl       reference: top-k rows, as base64 little-endian arrays (NaN and -inf survive)
    scores.npz       score:     the arrays of ``Scores``
    verdict.json     decide:    the report
    lock             held by the process that works on it; the system lets go of it when the process ends

A line of the three middle files is one record with a ``crc32`` over the rest of it, appended as it arrives in one write
and synced. A last line without an end (the process was killed) is dropped. A damaged line counts as missing, so that
what it held is asked for again. The last valid record of an index counts. ``source`` is the checksum of the record that
this one was made from: when an answer is asked for again, what was made from the old one is missing too.

Prompts and answers may be private: the directory is made with mode 0700, its files with 0600.
"""

from token_difr.run.directory import RunDirectory

__all__ = ["RunDirectory"]
