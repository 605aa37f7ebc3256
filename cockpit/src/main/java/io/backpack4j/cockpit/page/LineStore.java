// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cockpit.page;

import io.backpack4j.cockpit.alarm.Alarm;
import io.backpack4j.cockpit.log.LogLine;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * The events of a run for pages that come late or come back, in bounded memory: histograms are kept of the newest line
 * only, and of many lines of the past every second goes. Used by any thread.
 */
final class LineStore {

    /** The most events that are kept. */
    static final int MOST = 12_000;

    /**
     * What a page is told.
     *
     * @param id counted from 1
     * @param kind line, alarm or end
     * @param line the line, of a line; null else
     * @param json in one line
     */
    record Event(long id, String kind, LogLine line, String json) {}

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<Event> events = new ArrayList<>();
    private final Map<String, Integer> newest = new HashMap<>();
    private long lastId;
    private long woken;

    void add(LogLine line) {
        lock.lock();
        try {
            Set<String> heavy = new HashSet<>();
            LightLines.heavy(line, heavy);
            lighten(heavy);
            Event event = new Event(++lastId, "line", line, CockpitPage.json(line.fields()));
            events.add(event);
            heavy.forEach(label -> newest.put(label, events.size() - 1));
            thin();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    void add(Alarm alarm) {
        add("alarm", CockpitPage.json(alarm));
    }

    void end() {
        add("end", "{}");
    }

    private void add(String kind, String json) {
        lock.lock();
        try {
            events.add(new Event(++lastId, kind, new LogLine(Map.of()), json));
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Takes what a new line has too out of those that had it last. */
    private void lighten(Set<String> heavy) {
        Set<Integer> places = new HashSet<>();
        heavy.forEach(label -> {
            Integer place = newest.get(label);
            if (place != null) {
                places.add(place);
            }
        });
        for (int place : places) {
            Event old = events.get(place);
            LogLine light = new LogLine(LightLines.without(old.line(), heavy));
            events.set(place, new Event(old.id(), old.kind(), light, CockpitPage.json(light.fields())));
        }
    }

    private void thin() {
        if (events.size() <= MOST) {
            return;
        }
        List<Event> kept = new ArrayList<>();
        for (int i = 0; i < events.size(); i++) {
            boolean step = events.get(i).line().step().isPresent();
            if (!step || i >= MOST / 2 || i % 2 == 0 || newest.containsValue(i)) {
                kept.add(events.get(i));
            }
        }
        Map<Long, Integer> places = new HashMap<>();
        for (int i = 0; i < kept.size(); i++) {
            places.put(kept.get(i).id(), i);
        }
        newest.replaceAll(
                (label, place) -> places.getOrDefault(events.get(place).id(), 0));
        events.clear();
        events.addAll(kept);
    }

    /**
     * The events behind one, waiting for the first of them.
     *
     * @return empty if there is none in time
     */
    List<Event> after(long id, long milliseconds) throws InterruptedException {
        lock.lock();
        try {
            long left = TimeUnit.MILLISECONDS.toNanos(milliseconds);
            long wakes = woken;
            while (lastId <= id && left > 0 && wakes == woken) {
                left = changed.awaitNanos(left);
            }
            int from = events.size();
            while (from > 0 && events.get(from - 1).id() > id) {
                from--;
            }
            return List.copyOf(events.subList(from, events.size()));
        } finally {
            lock.unlock();
        }
    }

    /** Ends all waiting. */
    void wake() {
        lock.lock();
        try {
            woken++;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
