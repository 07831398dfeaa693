# One image with the three programs; docker-compose.yaml says which one runs.

FROM node:22-bookworm-slim AS web
WORKDIR /src
COPY admin/web/package.json admin/web/package-lock.json admin/web/.npmrc ./
RUN --mount=type=cache,target=/root/.npm npm ci
COPY admin/web ./
RUN npm run build

FROM golang:1.26.8-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
COPY --from=web /src/dist admin/web/dist
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/go/build \
    CGO_ENABLED=0 GOCACHE=/go/build GOFLAGS=-buildvcs=false go build -tags ui -trimpath -ldflags="-s -w" -o /out/ ./cmd/alfred ./cmd/alfred-extproc ./cmd/alfred-admin
# The folder of the socket that Envoy and alfred-extproc share, and that of the spool. A volume mounted over one takes its owner from here.
RUN mkdir -p /out/run/alfred /out/var/lib/alfred

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/alfred /out/alfred-extproc /out/alfred-admin /usr/local/bin/
COPY --from=build --chown=nonroot:nonroot /out/run/alfred /run/alfred
COPY --from=build --chown=nonroot:nonroot /out/var/lib/alfred /var/lib/alfred
ENTRYPOINT ["alfred"]
