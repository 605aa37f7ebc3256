// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How GNU's OpenMP waits. Its threads wait for each other in a loop; where other programs want the processors, too,
 * that makes a pass many times slower. libgomp reads {@code GOMP_SPINCOUNT} from the process's environment when it
 * loads, and Java cannot change that of its own process, but the C library's {@code environ} is a variable like any
 * other: what {@code setenv} would do is done here, before the first native library loads that needs libgomp.
 */
final class WaitingThreads {

    /** What users set to say how long threads wait in a loop: a number, or {@value #SYSTEM} for libgomp's own. */
    static final String PROPERTY = "backpack.cpu.spin_count";

    /** The value with which nothing is changed. */
    static final String SYSTEM = "system";

    /** Some microseconds: threads meet within that where nobody else wants the processors. */
    private static final String SPIN_COUNT = "2000";

    private static final String VARIABLE = "GOMP_SPINCOUNT";
    private static final String POLICY = "OMP_WAIT_POLICY";
    private static final Logger LOG = LoggerFactory.getLogger(WaitingThreads.class);

    private WaitingThreads() {}

    /** Lets threads sleep sooner, unless the user said something about it, or the system is not Linux. */
    static void sleepSooner() {
        String count = System.getProperty(PROPERTY, SPIN_COUNT);
        boolean said = System.getenv(VARIABLE) != null || System.getenv(POLICY) != null || count.equals(SYSTEM);
        if (said || !System.getProperty("os.name").toLowerCase(Locale.ROOT).contains("linux")) {
            return;
        }
        try {
            add(VARIABLE + "=" + count);
        } catch (RuntimeException | LinkageError e) {
            LOG.debug("{} cannot be set: threads wait as libgomp has them wait.", VARIABLE, e);
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
