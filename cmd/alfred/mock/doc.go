// Package mock is a model provider that needs no key: OpenAI's chat completions, JSON and SSE, for any model name.
//
// What is learnt with it is meant to be true with a real provider: tokens are counted by the real o200k tokenizer with OpenAI's
// framing of messages, max_tokens and max_completion_tokens cut the answer (finish_reason "length"), n multiplies it, and
// stream_options.include_usage adds the last chunk, with choices empty, and `"usage": null` to all others. The same request always
// gets the same answer. Prompts above 1 MiB are counted exactly over their first 256 KiB and in proportion beyond.
//
// Faults are asked for by the model's name, or by the header X-Mock with the part after "mock-":
//
//	mock-slow             waits between chunks, 100 ms or the header X-Mock-Delay (a Go duration)
//	mock-long             answers about 2,000 tokens
//	mock-error-429        429 with Retry-After: 1
//	mock-error-500        500
//	mock-error-midstream  some chunks, then an error event, as OpenAI sends it, and the end; without stream: 500
//	mock-no-usage         never reports usage
//	mock-overrun          goes 50 tokens beyond max_tokens
//	mock-reset            breaks the connection in the middle of the answer
//	mock-hang             says nothing, not even a status, until POST /_release
//	mock-hold             stops in the middle of the answer until POST /_release
//
// Beside the provider's own paths: GET /healthz; GET /_received?last=N, the latest requests as they arrived, oldest first, headers
// and body; DELETE /_received; POST /_release, which lets everything go on that hangs or is held at that moment.
package mock
