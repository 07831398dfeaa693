package sample

import (
	"math/rand/v2"
	"strings"
)

// model is one that people ask for, and how often.
type model struct {
	name, provider string
	often          int
	reasons        bool
}

// models by how often they are asked for, in a hundred.
var models = []model{
	{"gpt-4o-mini", "openai", 26, false},
	{"gpt-4o", "openai", 18, false},
	{"claude-sonnet-4", "anthropic", 17, false},
	{"gpt-4.1-mini", "openai", 10, false},
	{"claude-3-5-haiku", "anthropic", 8, false},
	{"gpt-4.1", "openai", 7, false},
	{"o4-mini", "openai", 6, true},
	{"gpt-5-mini", "openai", 4, true},
	{"claude-opus-4", "anthropic", 2, false},
	{"o3", "openai", 2, true},
}

// meanTokens is what a request uses on average, about.
const meanTokens = 1_650

// pick draws a model.
func pick(r *rand.Rand, all []model) int {
	n := r.IntN(100)
	for i, m := range all {
		if n -= m.often; n < 0 {
			return i
		}
	}
	return 0
}

var departments = []string{
	"Engineering", "Data", "Product", "Design", "Marketing", "Sales", "Support", "Finance", "Legal", "People", "Operations", "Research", "Security",
	"Customer Success", "IT", "Procurement", "Communications", "Quality", "Logistics", "Field Service", "Facilities", "Strategy", "Partnerships", "Training",
}

var teamWords = []string{
	"Platform", "Core", "Growth", "Insights", "Delivery", "Tools", "North", "South", "East", "West", "Enablement", "Foundations", "Experience", "Automation",
	"Analytics", "Accounts", "Reliability", "Integrations", "Mobile", "Web", "Payments", "Search", "Content", "Infrastructure", "Applications",
}

var topics = []string{
	"search and relevance", "customer onboarding", "the billing pipeline", "forecasts", "internal tools", "contracts", "incident response",
	"the mobile app", "reporting", "translations", "document review", "the data warehouse", "campaigns", "knowledge articles",
}

var projectWords = []string{"atlas", "beacon", "cobalt", "delta", "ember", "fjord", "granite", "harbor", "iris", "juniper", "kestrel", "lumen"}

var reasons = []string{"Demo week", "Quarter close", "Pairing on the migration", "Release crunch", "Workshop", "On call", ""}

var firstNames = []string{
	"Ada", "Aisha", "Alejandro", "Amara", "Ana", "Anders", "Andrea", "Arjun", "Astrid", "Beatriz", "Bogdan", "Camille", "Carlos", "Chen", "Chiara", "Daniel",
	"Deniz", "Diego", "Elena", "Elif", "Emeka", "Emma", "Erik", "Fatima", "Felix", "Freja", "Gabriel", "Giulia", "Grace", "Hana", "Hassan", "Hugo", "Ines", "Ingrid",
	"Ivan", "Jakub", "Jana", "Jin", "Jonas", "Julia", "Kaito", "Kari", "Katarina", "Kwame", "Lars", "Leila", "Liam", "Lina", "Lucía", "Magnus", "Maja", "Malik",
	"Marta", "Mateo", "Mei", "Mina", "Mohamed", "Nadia", "Naomi", "Nikolai", "Nora", "Olga", "Oscar", "Pavel", "Petra", "Priya", "Rafael", "Ravi", "Rosa", "Sami",
	"Sara", "Sofia", "Søren", "Stefan", "Tariq", "Tomás", "Uma", "Viktor", "Wei", "Yara", "Yuki", "Zainab", "Zofia",
}

var lastNames = []string{
	"Abe", "Ahmed", "Almeida", "Andersen", "Bakker", "Banerjee", "Bauer", "Berg", "Bianchi", "Blanc", "Castro", "Chowdhury", "Costa", "Dahl", "Das", "Diaz", "Diop",
	"Dubois", "Eriksen", "Farah", "Fischer", "Garcia", "Gupta", "Haddad", "Hansen", "Hernández", "Hoffmann", "Ibrahim", "Ito", "Ivanova", "Jansen", "Jensen",
	"Johansson", "Kaya", "Keller", "Kim", "Kowalski", "Kumar", "Larsen", "Lee", "Lindberg", "López", "Mancini", "Martin", "Mensah", "Meyer", "Moreau", "Müller",
	"Nakamura", "Nguyen", "Nielsen", "Novak", "Nowak", "Okafor", "Olsen", "Park", "Patel", "Pereira", "Petrov", "Popescu", "Reyes", "Rossi", "Russo", "Santos",
	"Sato", "Schmidt", "Silva", "Singh", "Sørensen", "Tanaka", "Vargas", "Virtanen", "Weber", "Wong", "Yılmaz", "Zhang",
}

// plain writes a name with the letters of an address.
func plain(s string) string {
	return strings.NewReplacer("í", "i", "ø", "o", "á", "a", "ó", "o", "ü", "u", "é", "e", "ı", "i", "å", "a", "ä", "a").Replace(strings.ToLower(s))
}
