// Chat completions by the official SDK, as the tests ask for them: see calls.py, which this does likewise.
import OpenAI from "openai";
import { text } from "node:stream/consumers";

async function outcome(call) {
  const client = new OpenAI({ apiKey: call.api_key, baseURL: call.base_url });
  const wanted = { model: call.model, messages: [{ role: "user", content: call.prompt }] };
  for (const name of ["max_tokens", "stream", "stream_options"]) {
    if (name in call) wanted[name] = call[name];
  }
  try {
    const answer = await client.chat.completions.create(wanted, { headers: call.headers ?? {} });
    if (!call.stream) {
      const choice = answer.choices[0];
      return { text: choice.message.content, finish_reason: choice.finish_reason, total_tokens: answer.usage.total_tokens };
    }
    const out = { text: "", chunks: 0, without_choices: 0 };
    for await (const chunk of answer) {
      out.chunks++;
      if (chunk.usage) out.total_tokens = chunk.usage.total_tokens;
      if (chunk.choices.length === 0) {
        out.without_choices++;
        continue;
      }
      out.text += chunk.choices[0].delta.content ?? "";
      if (chunk.choices[0].finish_reason) out.finish_reason = chunk.choices[0].finish_reason;
    }
    return out;
  } catch (e) {
    if (!(e instanceof OpenAI.OpenAIError)) throw e;
    return {
      error: e.constructor.name,
      status: e.status,
      code: e.code,
      type: e.type,
      message: e.message,
      request_id: e.headers?.get("x-alfred-request-id") ?? "",
    };
  }
}

const outcomes = [];
for (const call of JSON.parse(await text(process.stdin))) outcomes.push(await outcome(call));
process.stdout.write(JSON.stringify(outcomes));
