// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.doctor;

import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The flags of a JVM that matter to native libraries and to plugins. */
final class JvmFlags {

    private static final String TOPIC = "flag";
    private static final int NATIVE_ACCESS_WARNS = 24;
    private static final List<String> UNLIMITED =
            List.of("org.bytedeco.javacpp.maxbytes", "org.bytedeco.javacpp.maxphysicalbytes");
    private static final String CLASS_LOADING = "guice_custom_class_loading";

    private final int release;
    private final List<String> arguments;
    private final Function<String, @Nullable String> properties;

    /**
     * Looks at some JVM.
     *
     * @param release its feature version, such as 17
     * @param arguments what it was started with
     * @param properties its system properties by name
     */
    JvmFlags(int release, List<String> arguments, Function<String, @Nullable String> properties) {
        this.release = release;
        this.arguments = List.copyOf(arguments);
        this.properties = properties;
    }

    /** Looks at this JVM. */
    static JvmFlags current() {
        return new JvmFlags(
                Runtime.version().feature(),
                ManagementFactory.getRuntimeMXBean().getInputArguments(),
                System::getProperty);
    }

    /** One finding for each flag. */
    List<Finding> findings() {
        List<Finding> findings = new ArrayList<>();
        for (String name : UNLIMITED) {
            findings.add(property(name, "0", "Native memory is limited without it, and large batches fail."));
        }
        String warning = "Guice warns of sun.misc.Unsafe without it, on Java 24 and newer.";
        findings.add(property(CLASS_LOADING, "CHILD", warning));
        if (release >= NATIVE_ACCESS_WARNS) {
            findings.add(argument("--enable-native-access=", "ALL-UNNAMED"));
            findings.add(argument("--sun-misc-unsafe-memory-access=", "allow"));
        }
        return findings;
    }

    private Finding property(String name, String wanted, String reason) {
        String value = properties.apply(name);
        String flag = "-D" + name + "=";
        if (wanted.equals(value)) {
            return Finding.fine(TOPIC, flag + wanted);
        }
        String found = value == null ? flag + wanted + " is missing" : flag + value + " is set";
        return Finding.advised(TOPIC, found, reason + " Start the JVM with " + flag + wanted + ".");
    }

    private Finding argument(String flag, String wanted) {
        if (arguments.contains(flag + wanted)) {
            return Finding.fine(TOPIC, flag + wanted);
        }
        return Finding.advised(
                TOPIC,
                flag + wanted + " is missing",
                "The JVM warns of native libraries without it. Start the JVM with " + flag + wanted + ".");
    }
}
