// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.console;

import java.nio.charset.Charset;
import java.util.stream.Stream;

/** What commands print to. */
public final class Terminal {

    private Terminal() {}

    /** What the terminal understands. System.out knows it too, but tells nobody before Java 18. */
    public static Charset charset() {
        return Stream.of("stdout.encoding", "sun.stdout.encoding", "native.encoding")
                .map(System::getProperty)
                .filter(name -> name != null && Charset.isSupported(name))
                .findFirst()
                .map(Charset::forName)
                .orElseGet(Charset::defaultCharset);
    }
}
