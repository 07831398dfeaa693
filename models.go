package alfred

import "strings"

// KnownModels are models that Alfred knows without being told, with the most
// that each writes in one answer and the field that bounds it. An
// organisation's own list wins.
//
// Sources: the model pages of OpenAI (platform.openai.com/docs/models),
// Anthropic (docs.anthropic.com, models overview) and Google (ai.google.dev,
// Gemini models). Models that reason refuse max_tokens.
func KnownModels() []Model {
	const completion = "max_completion_tokens"
	return []Model{
		{Name: "gpt-3.5-turbo", MaxOutput: 4_096},
		{Name: "gpt-4", MaxOutput: 8_192},
		{Name: "gpt-4-turbo", MaxOutput: 4_096},
		{Name: "gpt-4.1", MaxOutput: 32_768},
		{Name: "gpt-4.1-mini", MaxOutput: 32_768},
		{Name: "gpt-4.1-nano", MaxOutput: 32_768},
		{Name: "gpt-4o", MaxOutput: 16_384},
		{Name: "gpt-4o-mini", MaxOutput: 16_384},
		{Name: "gpt-5", MaxOutput: 128_000, OutputLimitField: completion},
		{Name: "gpt-5-mini", MaxOutput: 128_000, OutputLimitField: completion},
		{Name: "gpt-5-nano", MaxOutput: 128_000, OutputLimitField: completion},
		{Name: "o1", MaxOutput: 100_000, OutputLimitField: completion},
		{Name: "o1-mini", MaxOutput: 65_536, OutputLimitField: completion},
		{Name: "o3", MaxOutput: 100_000, OutputLimitField: completion},
		{Name: "o3-mini", MaxOutput: 100_000, OutputLimitField: completion},
		{Name: "o4-mini", MaxOutput: 100_000, OutputLimitField: completion},
		{Name: "claude-3-haiku", MaxOutput: 4_096},
		{Name: "claude-3-opus", MaxOutput: 4_096},
		{Name: "claude-3-sonnet", MaxOutput: 4_096},
		{Name: "claude-3-5-haiku", MaxOutput: 8_192},
		{Name: "claude-3-5-sonnet", MaxOutput: 8_192},
		{Name: "claude-3-7-sonnet", MaxOutput: 64_000},
		{Name: "claude-sonnet-4", MaxOutput: 64_000},
		{Name: "claude-opus-4", MaxOutput: 32_000},
		{Name: "gemini-1.5-flash", MaxOutput: 8_192},
		{Name: "gemini-1.5-pro", MaxOutput: 8_192},
	}
}

// isSnapshot says whether name is a dated snapshot of a model, as in
// gpt-4o-2024-08-06, gpt-4-0613 or claude-3-opus-latest: what follows the
// model's name is a date, a version of digits, or "latest".
func isSnapshot(name, model string) bool {
	rest, ok := strings.CutPrefix(name, model+"-")
	if !ok || rest == "" {
		return false
	}
	return rest == "latest" || strings.Trim(rest, "0123456789-") == ""
}

// findModel returns the model of that name, else the one that it is a dated
// snapshot of.
func findModel(models []Model, name string) (Model, bool) {
	for _, m := range models {
		if m.Name == name {
			return m, true
		}
	}
	for _, m := range models {
		if isSnapshot(name, m.Name) {
			m.Name = name
			return m, true
		}
	}
	return Model{}, false
}
