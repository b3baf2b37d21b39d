package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

const stopNow = `{"stop":"2026-01-01T00:00:00Z"}`

// The agent's tests read the same table: launcher, fetch and upload must not understand a signal differently.
func TestAsksToStop(test *testing.T) {
	type row struct {
		Name, Signal string
		Stop         bool
	}
	text, err := os.ReadFile("testdata/signals.json")
	must(test, err)
	var rows []row
	must(test, json.Unmarshal(text, &rows))
	rows = append(rows,
		row{"nested brackets", strings.Repeat("[", 100_000), false},
		row{"no UTF-8", "{\"stop\":\"\xff\"}", false},
		row{"huge", `{"x":"` + strings.Repeat("x", 1<<18) + `",` + stopNow[1:], true},
	)
	for _, row := range rows {
		test.Run(row.Name, func(test *testing.T) {
			if asksToStop([]byte(row.Signal)) != row.Stop {
				test.Errorf("%.100q", row.Signal)
			}
		})
	}
}
