"""The one store of an audit, and what works on it: each stage over a run directory, so that an audit goes on where it stopped.

    run.json         whose audit this is: a part of the record for each stage, and a checksum; never a key
    prompts.jsonl    the conversations, one a line, so that the directory stands alone
    responses.jsonl  collect:   the provider's answers, whole
    sequences.jsonl  tokenize:  token ids
    rows.jsonl       reference: top-k rows, as base64 little-endian arrays (NaN and -inf survive)
    repairs.jsonl    reference: other cuts of answers that came as text, and their rows; see token_difr.segmentation
    scores.npz       score:     the arrays of ``Scores``
    report.json      decide:    the report
    lock             held by the process that works on it; the system lets go of it when the process ends

A line of the four middle files is one record with a ``crc32`` over the rest of it, appended as it arrives in one write
and synced. A last line without an end (the process was killed) is dropped. A damaged line counts as missing, so that
what it held is asked for again. The last valid record of an index counts. Above them stands a line ``made_for`` with the parts of
the audit's record that they depend on, by which a lost ``run.json`` is made anew.

The chain: ``source`` of a record is the checksum of the one that it was made from; scores hold a checksum of the rows, the
parameters and the sampler; the report that of the scores. So when an answer is asked for again, or scored by another sampler, what
was made from the old one is missing too.

Prompts and answers may be private: the directory is made with mode 0700, its files with 0600.
"""

from token_difr.run.directory import RunDirectory
from token_difr.run.manifest import is_run_directory

__all__ = ["RunDirectory", "is_run_directory"]
