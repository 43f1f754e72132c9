"""Bytes to bodies, answers to bytes: what is HTTP about the server.

    routes/                         the paths, one group a module
    backend, event_stream           an answer run to its end, whole or as server-sent events
    json_bodies, errors             JSON in and out; every error as OpenAI's object
    guard, access_log, metrics      what stands before the routes and watches them

May import answers and the generation room's public names. Imports no engine and no settings: a route is given what it
works on. What a body or an answer looks like is decided in ``answers/``.
"""
