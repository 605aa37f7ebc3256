// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.NativeFunction;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads of HotSpot's optimising compiler, which let a backend's threads go first. Threads of a pass wait for each
 * other many times in a millisecond: while one of them has no processor, all stand still. In the first seconds of a
 * JVM the compiler has much to do, on a processor that such a thread wants, and Linux gives it turns of milliseconds.
 * With a higher nice value its turns are shorter and fewer; what it takes else are the times when a processor is free.
 * The fast compiler is left alone: until it is done code is interpreted.
 *
 * <p>Linux lets nobody without privileges take a nice value back, so it stays with the JVM.
 */
public final class CompilerThreads {

    /** The property {@code backpack.cpu.compiler_nice}. */
    public static final String PROPERTY = "compiler_nice";

    private static final int LARGEST = 19;

    /** What HotSpot calls them, cut as Linux cuts names. */
    private static final String NAME = "C2 CompilerThre";

    private static final Path THREADS = Path.of("/proc/self/task");

    /** Fields of a thread's {@code stat} behind its name, before the nice value. */
    private static final int BEFORE_NICE = 16;

    /** The C library's number for a process, and for a thread on Linux. */
    private static final long PRIO_PROCESS = 0;

    private static final Logger LOG = LoggerFactory.getLogger(CompilerThreads.class);

    private CompilerThreads() {}

    /**
     * Lets a backend's threads go first, if they want all processors.
     *
     * @param wish the nice value; 0, the default, leaves all as it is
     * @param threads how many threads the backend has
     */
    public static void giveWay(Optional<String> wish, int threads) {
        int nice = wish.map(CompilerThreads::nice).orElse(0);
        if (nice == 0 || threads == 1 || threads < Runtime.getRuntime().availableProcessors()) {
            return;
        }
        try (DirectoryStream<Path> all = Files.newDirectoryStream(THREADS)) {
            for (Path thread : all) {
                giveWay(thread, nice);
            }
        } catch (IOException | RuntimeException e) {
            LOG.debug("The compiler's threads are left as they are.", e);
        }
    }

    private static int nice(String text) {
        try {
            int nice = Integer.parseInt(text);
            if (nice >= 0 && nice <= LARGEST) {
                return nice;
            }
        } catch (NumberFormatException e) {
            // as any other
        }
        throw new BackpackException(
                CommonProblems.INVALID_OPTION,
                "backpack.cpu.%s is '%s', but must be a number from 0 to %d.".formatted(PROPERTY, text, LARGEST));
    }

    private static void giveWay(Path thread, int nice) throws IOException {
        String stat = Files.readString(thread.resolve("stat"), StandardCharsets.ISO_8859_1);
        int end = stat.lastIndexOf(')');
        if (!stat.substring(0, end).endsWith("(" + NAME)) {
            return;
        }
        int now = Integer.parseInt(stat.substring(end + 2).split(" ")[BEFORE_NICE]);
        NativeFunction setPriority = SetPriority.FUNCTION;
        if (now < nice && setPriority != null) {
            int answer = setPriority.call(
                    PRIO_PROCESS, Long.parseLong(thread.getFileName().toString()), nice);
            LOG.debug("{} had the nice value {}; {} answers {}.", thread, now, nice, answer);
        }
    }

    /** Found out when the first backend wants it. */
    private static final class SetPriority {
        static final @Nullable NativeFunction FUNCTION =
                NativeFunction.find("setpriority").orElse(null);
    }
}
