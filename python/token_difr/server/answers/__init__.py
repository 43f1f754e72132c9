"""What a request may ask for, and the form that its API gives the answer.

    answer                           the driver of all forms: choices, and an envelope around them
    chat, completions, generate      the forms: a function from a body to an answer
    openai_envelope                  identity, usage and trace of OpenAI's two
    conversation, completion_prompt  bodies to prompts
    message, reasoning, tool_calls   text to a chat's message
    sequences                        a request's sequences, made of its fields
    served_model                     what answers are made with
    requests/                        bodies, refusals, limits, sampling
    dialects/                        how logprobs are written

May import generation and the model's tokenizer and template. Imports no HTTP but status codes in ``ApiError``, and
nothing that runs: an answer is handed to a backend, which does not look into it.
"""
