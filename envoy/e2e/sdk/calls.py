"""Chat completions by the official SDK, as the tests ask for them.

Reads a JSON list of calls from standard input and writes a JSON list of what came of each. The SDK is used as any application would:
base_url and api_key come from the environment or the call, nothing else is set.
"""

import json
import sys

import openai


def outcome(call: dict) -> dict:
    client = openai.OpenAI(api_key=call["api_key"], base_url=call["base_url"])
    wanted = {"model": call["model"], "messages": [{"role": "user", "content": call["prompt"]}]}
    for name in ("max_tokens", "stream", "stream_options"):
        if name in call:
            wanted[name] = call[name]
    if "headers" in call:
        wanted["extra_headers"] = call["headers"]
    try:
        answer = client.chat.completions.create(**wanted)
        if not call.get("stream"):
            choice = answer.choices[0]
            return {
                "text": choice.message.content,
                "finish_reason": choice.finish_reason,
                "total_tokens": answer.usage.total_tokens,
            }
        out = {"text": "", "chunks": 0, "without_choices": 0}
        for chunk in answer:
            out["chunks"] += 1
            if chunk.usage is not None:
                out["total_tokens"] = chunk.usage.total_tokens
            if not chunk.choices:
                out["without_choices"] += 1
                continue
            out["text"] += chunk.choices[0].delta.content or ""
            if chunk.choices[0].finish_reason:
                out["finish_reason"] = chunk.choices[0].finish_reason
        return out
    except openai.APIStatusError as e:
        return {
            "error": type(e).__name__,
            "status": e.status_code,
            "code": e.code,
            "type": e.type,
            "message": e.message,
            "request_id": e.response.headers.get("x-alfred-request-id", ""),
        }
    except openai.OpenAIError as e:
        return {"error": type(e).__name__, "message": str(e)}


json.dump([outcome(call) for call in json.load(sys.stdin)], sys.stdout)
