package envoy

import "errors"

// Render returns Envoy's bootstrap as YAML. It fails on a configuration that Validate refuses.
func Render(c Config) ([]byte, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return nil, errors.New("render: not there yet")
}
