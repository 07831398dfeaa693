package browser

import "testing"

// TestFirstSteps runs the story of the first steps where they are still to be taken: over a stack in which there is nobody but its owner.
func TestFirstSteps(t *testing.T) {
	run(t, nil, func(s *stack) world {
		owner := s.must("POST", "/v1/admin/users", map[string]any{"email": "owner@company.com", "name": "Olivia Owner", "personal_quota": 10_000})
		return world{Base: s.base, Keys: map[string]string{"owner": str(owner, "api_key")}, Fresh: true}
	}, "src/pages/onboarding/onboarding.story.ts")
}
