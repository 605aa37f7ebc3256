// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TeamTest {

    private static final long PATIENCE = 60;

    /** The threads of all teams that live. */
    private static Set<Thread> threads() {
        Set<Thread> threads = ConcurrentHashMap.newKeySet();
        Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("backpack4j-loops-"))
                .forEach(threads::add);
        return threads;
    }

    @ParameterizedTest
    @CsvSource({"1, 1", "1, 5", "2, 1", "2, 2", "2, 9", "3, 8", "5, 40"})
    void everyPartIsDoneOnce(int size, int parts) {
        try (Team team = new Team(size)) {
            for (int round = 0; round < 2000; round++) {
                AtomicIntegerArray done = new AtomicIntegerArray(parts);
                team.run(parts, part -> done.incrementAndGet(part));
                for (int part = 0; part < parts; part++) {
                    assertThat(done.get(part)).isEqualTo(1);
                }
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "2, 10, 4, 1",
        "3, 1000, 1, 1024",
        "2, 100003, 3, 1024",
        "4, 7, 4000, 1",
        "1, 5000, 100, 512",
        "2, 0, 1, 1"
    })
    void rangesCoverAllItemsAndBeginAtUnits(int size, long items, double nanoseconds, long unit) {
        try (Team team = new Team(size)) {
            List<long[]> ranges = Collections.synchronizedList(new ArrayList<>());
            team.forAll(items, unit, nanoseconds, (from, to) -> ranges.add(new long[] {from, to}));
            ranges.sort((a, b) -> Long.compare(a[0], b[0]));
            long at = 0;
            for (long[] range : ranges) {
                assertThat(range[0]).isEqualTo(at);
                assertThat(range[0] % unit).isZero();
                at = range[1];
            }
            assertThat(at).isEqualTo(items);
        }
    }

    @Test
    void partsDependOnWorkAndThreadsAlone() {
        try (Team one = new Team(1);
                Team two = new Team(2);
                Team three = new Team(3)) {
            assertThat(one.parts(1e9)).isEqualTo(1);
            assertThat(two.parts(1000)).isEqualTo(1);
            assertThat(two.parts(Double.NaN)).isEqualTo(1);
            assertThat(two.parts(50_000)).isEqualTo(1);
            assertThat(three.parts(110_000)).isEqualTo(11);
            assertThat(two.parts(1e9)).isEqualTo(8).isEqualTo(two.parts(1e18));
        }
    }

    @Test
    void threadsWorkAtTheSameTime() {
        try (Team team = new Team(3)) {
            CountDownLatch here = new CountDownLatch(3);
            Set<Thread> seen = ConcurrentHashMap.newKeySet();
            team.run(3, part -> {
                seen.add(Thread.currentThread());
                here.countDown();
                await(here);
            });
            assertThat(seen).hasSize(3).contains(Thread.currentThread());
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(PATIENCE, TimeUnit.SECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void sleepersAreWoken() {
        try (Team team = new Team(2)) {
            for (int round = 0; round < 20; round++) {
                CountDownLatch here = new CountDownLatch(2);
                team.run(2, part -> {
                    here.countDown();
                    await(here);
                });
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(3));
            }
        }
    }

    /** Whoever is late is waited for, however long its part takes. */
    @Test
    void theCallerWaitsForTheLastPart() {
        try (Team team = new Team(2)) {
            CountDownLatch begun = new CountDownLatch(1);
            AtomicInteger done = new AtomicInteger();
            Thread caller = Thread.currentThread();
            team.run(2, part -> {
                if (Thread.currentThread() == caller) {
                    await(begun);
                } else {
                    begun.countDown();
                    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
                }
                done.incrementAndGet();
            });
            assertThat(done).hasValue(2);
        }
    }

    @Test
    void theFirstPartsFailureIsThrownOnceAllAreDone() {
        try (Team team = new Team(2)) {
            AtomicInteger done = new AtomicInteger();
            for (int round = 0; round < 200; round++) {
                done.set(0);
                assertThatThrownBy(() -> team.run(8, part -> {
                            done.incrementAndGet();
                            if (part == 3) {
                                throw new IllegalStateException("third");
                            }
                            if (part > 4) {
                                throw new AssertionError("later");
                            }
                        }))
                        .isInstanceOf(IllegalStateException.class)
                        .hasMessage("third");
                assertThat(done).hasValue(8);
            }
            assertThatThrownBy(() -> team.run(4, part -> {
                        if (part == 2) {
                            throw new StackOverflowError("deep");
                        }
                    }))
                    .isInstanceOf(StackOverflowError.class);
            team.run(8, part -> done.incrementAndGet());
            assertThat(done).hasValue(16);
        }
    }

    @Test
    void partsMayCallAgain() {
        try (Team team = new Team(2)) {
            AtomicLong sum = new AtomicLong();
            team.run(6, outer -> team.run(4, inner -> sum.addAndGet(10L * outer + inner)));
            assertThat(sum).hasValue(4 * 150 + 6 * 6);
        }
    }

    @Test
    void severalCallersGetTheirOwnResults() throws InterruptedException {
        try (Team team = new Team(2)) {
            List<Thread> callers = new ArrayList<>();
            AtomicInteger right = new AtomicInteger();
            for (int caller = 0; caller < 4; caller++) {
                int own = caller;
                Thread thread = new Thread(() -> {
                    for (int round = 0; round < 500; round++) {
                        long[] parts = new long[8];
                        team.run(8, part -> parts[part] = 1000L * own + part);
                        long sum = 0;
                        for (long part : parts) {
                            sum += part;
                        }
                        right.addAndGet(sum == 8000L * own + 28 ? 1 : 0);
                    }
                });
                thread.start();
                callers.add(thread);
            }
            for (Thread thread : callers) {
                thread.join();
            }
            assertThat(right).hasValue(2000);
        }
    }

    @Test
    void anInterruptedCallerStaysSo() {
        try (Team team = new Team(2)) {
            AtomicInteger done = new AtomicInteger();
            Thread.currentThread().interrupt();
            team.run(8, part -> {
                LockSupport.parkNanos(1_000_000);
                done.incrementAndGet();
            });
            assertThat(done).hasValue(8);
            assertThat(Thread.interrupted()).isTrue();
        }
    }

    @Test
    void threadsStartWithTheFirstWorkAndEndWithTheTeam() {
        Set<Thread> before = threads();
        Team team = new Team(3);
        team.run(1, part -> {});
        assertThat(threads()).isEqualTo(before);
        team.run(3, part -> {});
        Set<Thread> own = threads();
        own.removeAll(before);
        assertThat(own).hasSize(2).allMatch(Thread::isDaemon);
        team.close();
        team.close();
        assertThat(own).noneMatch(Thread::isAlive);
        List<Thread> workers = new ArrayList<>();
        team.run(3, part -> workers.add(Thread.currentThread()));
        assertThat(workers).hasSize(3).containsOnly(Thread.currentThread());
    }
}
