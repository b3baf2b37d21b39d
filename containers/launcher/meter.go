package main

import "time"

// meter measures what a run costs.
type meter struct {
	group    cgroup
	cpu      time.Duration // of the group, before the run
	oomKills int64         // likewise
	peak     int64
}

func newMeter(group cgroup) *meter {
	return &meter{group: group, cpu: group.cpuTime(), oomKills: group.oomKills()}
}

// sample notes the memory in use. The kernel's own high-water mark counts the page cache, which grows to the limit with
// every large file that is read: of no use to somebody who looks for the right limit.
func (meter *meter) sample() {
	meter.peak = max(meter.peak, meter.group.resident())
}

// fill completes a record. The group knows of every process; rusage, where there is no group, only of reaped ones.
func (meter *meter) fill(record *record, family *family) {
	cpu := meter.group.cpuTime() - meter.cpu
	if cpu <= 0 {
		cpu = family.cpu
	}
	record.CPUMilliseconds = cpu.Milliseconds()
	record.OOMKills = max(meter.group.oomKills()-meter.oomKills, 0)
	record.PeakMemoryBytes = max(meter.peak, family.maxRSS)
	if record.OOMKills > 0 { // the limit was reached, whatever a sample saw
		record.PeakMemoryBytes = max(record.PeakMemoryBytes, meter.group.highWater())
	}
}
