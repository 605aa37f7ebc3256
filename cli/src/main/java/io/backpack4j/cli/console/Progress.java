// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.console;

import java.io.Console;
import java.time.Duration;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** Shows how far work is, on a terminal, once it has taken two seconds. */
public final class Progress implements AutoCloseable {

    private static final long PATIENCE_NANOS = 2_000_000_000L;
    private static final int WIDTH = 78;
    private static final int UPDATE_MILLISECONDS = 200;

    private final String task;
    private final int steps;
    private final boolean terminal;
    private final long start = System.nanoTime();
    private int done;
    private @Nullable ProgressBar bar;

    public Progress(String task, int steps) {
        this(task, steps, isTerminal());
    }

    public Progress(String task, int steps, boolean terminal) {
        this.task = task;
        this.steps = steps;
        this.terminal = terminal;
    }

    /** Says that a step is done, and something beside it. */
    public void step(String message) {
        step();
        if (bar != null) {
            bar.setExtraMessage(message);
        }
    }

    /** Says that a step is done. */
    public void step() {
        done++;
        if (bar == null && terminal && System.nanoTime() - start > PATIENCE_NANOS) {
            bar = new ProgressBarBuilder()
                    .setTaskName(task)
                    .setInitialMax(steps)
                    .startsFrom(done, Duration.ofNanos(System.nanoTime() - start))
                    .setStyle(ProgressBarStyle.ASCII)
                    .setUpdateIntervalMillis(UPDATE_MILLISECONDS)
                    .setConsumer(new ConsoleProgressBarConsumer(System.err, WIDTH))
                    .clearDisplayOnFinish()
                    .build();
        }
        if (bar != null) {
            bar.stepTo(done);
        }
    }

    /** Newer Javas have a console where there is no terminal, but know which one it is. */
    private static boolean isTerminal() {
        Console console = System.console();
        if (console == null) {
            return false;
        }
        try {
            return (Boolean) Console.class.getMethod("isTerminal").invoke(console);
        } catch (ReflectiveOperationException e) {
            return true;
        }
    }

    /** Removes the bar. */
    @Override
    public void close() {
        if (bar != null) {
            bar.close();
        }
    }
}
