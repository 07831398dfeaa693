# `make help` lists the targets. Everything works from a fresh clone, as root and as a plain user, and what it fetches is kept in
# .alfred (servers), bin (programs) and the caches of Go and npm.

export GOFLAGS += -buildvcs=false
GO   ?= go
TOOL := $(GO) tool -modfile=tools/go.mod

.DEFAULT_GOAL := help
.PHONY: help up down reset test test-race test-faults soak sim mutants lint generate check bench figures build ui screenshots tools

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: build ## run everything on this machine until Ctrl-C
	@bin/alfred up --no-build

down: ## stop what `make up` runs
	@$(GO) run ./cmd/alfred down

reset: ## stop, and delete the data (downloads stay)
	@$(GO) run ./cmd/alfred reset

test: build ## every test, on real servers; CI=true fails where something is missing
	@$(GO) run ./cmd/alfred fetch --tests
	@if test -d admin/web/node_modules; then cd admin/web && npm run --silent test; elif test "$$CI" = true; then echo "the web app's tests need Node"; exit 1; fi
	$(GO) test -timeout 30m ./...

test-race: ## every test, with the race detector
	@$(GO) run ./cmd/alfred fetch --tests
	$(GO) test -race -timeout 60m ./...

test-faults: ## kill, stop, cut off and fill up every part, often, and print what was lost
	@$(GO) run ./cmd/alfred fetch --tests
	cd envoy/faults && ALFRED_FAULTS=full $(GO) test -count=1 -parallel 1 -timeout 60m

sim: ## play histories of the ledger that a seed decides: make sim SEEDS=10000, or SEEDS=7..7
	$(GO) run ./cmd/alfred-sim -seeds $(or $(SEEDS),10000)

soak: ## mixed load and random faults for MINUTES=10, then everything has to add up
	@$(GO) run ./cmd/alfred fetch --tests
	cd envoy/faults && ALFRED_SOAK_MINUTES=$(or $(MINUTES),10) $(GO) test -count=1 -v -run 'SoakAddsUp' -timeout 180m

mutants: ## build in each deliberate bug, one by one, and show by which promise it is caught
	$(GO) run ./cmd/alfred-sim -mutants $(or $(ONLY),all)

lint: ## golangci-lint (the first time it is built, which takes minutes)
	$(TOOL) golangci-lint run ./...

generate: ## write the generated code anew: the API's types, the database's queries
	$(GO) generate ./...
	@if test -d admin/web/node_modules; then cd admin/web && npm run --silent generate; else echo "admin/web: run make ui first to generate the web app's types"; fi
	cd store/postgres && $(GO) tool -modfile=../../tools/go.mod sqlc generate

check: lint generate ## lint, generated code has not drifted, imports are allowed
	@git diff -- '*.gen.go' '*.gen.ts' store/postgres/internal
	@test -z "$$(git status --porcelain -- '*.gen.go' '*.gen.ts' store/postgres/internal)" || { echo "generated code has drifted: commit what make generate writes"; exit 1; }
	$(GO) test -count=1 -run 'Import' .

bench: ## the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./...

build: ## the three programs into bin, and the web app where Node is
	@test -x bin/alfred-admin || echo "building alfred, alfred-extproc and alfred-admin (some minutes the first time, seconds later) …"
	@mkdir -p bin
	@$(GO) build -o bin/ ./cmd/alfred ./cmd/alfred-extproc ./cmd/alfred-admin
	@bin/alfred ui --optional

ui: ## the web app, where its sources changed (Node 20.19 or newer)
	@$(GO) run ./cmd/alfred ui

screenshots: ui ## every page as pictures in admin/web/screenshots, and the README's in docs/images
	@$(GO) run ./cmd/alfred fetch --tests
	ALFRED_SCREENSHOTS=true $(GO) test -count=1 -timeout 30m -run 'TestBrowser|TestImages' ./admin/web/browser

figures: ui ## what each page waits for (DATABASE=postgres://… that seed has filled), and costs a browser: paints, shifts, bytes
	@$(GO) run ./cmd/alfred fetch --tests
	ALFRED_FIGURES_DATABASE_URL=$(DATABASE) $(GO) test -count=1 -v -timeout 20m -run TestPeers12 ./admin
	ALFRED_FIGURES=true $(GO) test -count=1 -v -timeout 30m -run TestFigures ./admin/web/browser

tools: ## build the pinned tools of tools/go.mod
	$(TOOL) sqlc version
	$(TOOL) oapi-codegen --version
	$(TOOL) golangci-lint version
