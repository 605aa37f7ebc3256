// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How GNU's OpenMP waits. Its threads wait for each other in a loop, which is fastest on processors of their own; where
 * other programs want the processors, too, that makes a pass many times slower. So the wait follows the load, see
 * {@code SleepingTeam}, unless the user says how long it is. It is never as long as libgomp's own milliseconds: loops
 * in Java want the processors, too. libgomp reads {@code GOMP_SPINCOUNT} from the process's environment when it loads,
 * and Java cannot change that of its own process, but the C library's {@code environ} is a variable like any other:
 * what {@code setenv} would do is done here, before the first native library loads that needs libgomp.
 */
public final class WaitingThreads {

    /** What users set to say how long threads wait in a loop: a number, {@value #LOAD} or {@value #SYSTEM}. */
    static final String PROPERTY = "backpack.cpu.spin_count";

    /** The value with which the wait is long on free processors and short on those that others want. */
    static final String LOAD = "load";

    /** The value with which nothing is changed. */
    static final String SYSTEM = "system";

    /**
     * Some hundred microseconds: longer than what a pass does on one thread between two operations on several, and as
     * short as that allows.
     */
    private static final String LONG = "20000";

    /** Some ten microseconds, where nobody can tell the load. */
    private static final String SHORT = "2000";

    private static final String VARIABLE = "GOMP_SPINCOUNT";
    private static final String POLICY = "OMP_WAIT_POLICY";
    private static final Logger LOG = LoggerFactory.getLogger(WaitingThreads.class);

    private static volatile boolean followsLoad;

    private WaitingThreads() {}

    /** Whether whoever uses OpenMP is to shorten its waits while other programs want the processors. */
    public static boolean followsLoad() {
        return followsLoad;
    }

    /** Decides how threads wait, unless the system is not Linux: that is done before native libraries load. */
    static void decide() {
        if (!System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("linux")) {
            return;
        }
        String wish = System.getProperty(PROPERTY, LOAD);
        boolean said = System.getenv(VARIABLE) != null || System.getenv(POLICY) != null || wish.equals(SYSTEM);
        if (said) {
            return;
        }
        followsLoad = wish.equals(LOAD) && canFollow();
        String count = followsLoad ? LONG : wish.equals(LOAD) ? SHORT : wish;
        try {
            add(VARIABLE + "=" + count);
        } catch (RuntimeException | LinkageError e) {
            LOG.debug("{} cannot be set: threads wait as libgomp has them wait.", VARIABLE, e);
        }
    }

    /** Whether Linux tells what other programs do, and there is oneDNN, whose threads wait. */
    private static boolean canFollow() {
        if (WaitingThreads.class.getResource("/org/bytedeco/dnnl/global/dnnl.class") == null) {
            return false;
        }
        try {
            new OtherPrograms(OtherPrograms.PROC, System.nanoTime()).close();
            return true;
        } catch (IOException | RuntimeException e) {
            LOG.debug("The load of the processors is not told.", e);
            return false;
        }
    }

    /**
     * Adds an entry to {@code environ}, an array of texts that ends with a null. The old array stays where it is:
     * whoever reads it meanwhile reads on. What is allocated here is the process's for good, as with {@code setenv}.
     */
    private static void add(String entry) {
        Loader.load(org.bytedeco.javacpp.presets.javacpp.class);
        Pointer variable = Loader.addressof("environ");
        if (variable == null || variable.isNull()) {
            LOG.debug("The C library has no environ.");
            return;
        }
        PointerPointer<Pointer> environ = new PointerPointer<>(variable);
        PointerPointer<Pointer> old = new PointerPointer<>(environ.get());
        long count = 0;
        while (!old.isNull() && old.get(count) != null) {
            count++;
        }
        long width = Loader.sizeof(Pointer.class);
        PointerPointer<Pointer> grown = new PointerPointer<>(Pointer.malloc((count + 2) * width));
        Pointer.memcpy(grown, old, count * width);
        byte[] text = (entry + "\0").getBytes(StandardCharsets.US_ASCII);
        BytePointer copy = new BytePointer(Pointer.malloc(text.length));
        copy.put(text);
        grown.put(count, copy);
        grown.put(count + 1, (Pointer) null);
        environ.put(grown);
    }
}
