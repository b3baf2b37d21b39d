package main

import (
	"os"
	"time"
)

// meter measures what a run costs.
type meter struct {
	group    cgroup
	notes    *os.File
	cpu      time.Duration // of the group, before the run
	oomKills int64         // likewise
	told     int64         // OOM kills in the notes
	peak     int64
}

func newMeter(group cgroup, notes *os.File) *meter {
	return &meter{group: group, notes: notes, cpu: group.cpuTime(), oomKills: group.oomKills()}
}

// sample notes the memory in use. The kernel's own high-water mark counts the page cache, which grows to the limit with
// every large file that is read: of no use to somebody who looks for the right limit.
func (meter *meter) sample() {
	meter.peak = max(meter.peak, meter.group.resident())
	if kills := meter.group.oomKills() - meter.oomKills; kills > meter.told {
		meter.told = kills
		if err := writePage(meter.notes, notes{Version: 1, OOMKills: kills}); err != nil {
			say("the notes were not written: %v", err)
		}
	}
}

// fill completes a record. The group knows of every process; rusage, where there is no group, only of reaped ones.
func (meter *meter) fill(record *record, family *family) {
	cpu := meter.group.cpuTime() - meter.cpu
	if cpu <= 0 {
		cpu = family.cpu
	}
	record.CPUMilliseconds = cpu.Milliseconds()
	record.OOMKills = max(meter.group.oomKills()-meter.oomKills, meter.told)
	record.PeakMemoryBytes = max(meter.peak, family.maxRSS)
	if record.OOMKills > 0 { // the limit was reached, whatever a sample saw
		record.PeakMemoryBytes = max(record.PeakMemoryBytes, meter.group.highWater())
	}
}
