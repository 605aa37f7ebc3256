// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What {@code doctor} looks at and advises. */
class DoctorTest {

    private static final Map<String, String> PROPERTIES = Map.of(
            "org.bytedeco.javacpp.maxbytes", "0",
            "org.bytedeco.javacpp.maxphysicalbytes", "0",
            "guice_custom_class_loading", "CHILD");

    @Test
    void flags_that_are_there_are_fine() {
        List<String> arguments = List.of("--enable-native-access=ALL-UNNAMED", "--sun-misc-unsafe-memory-access=allow");
        assertThat(new JvmFlags(25, arguments, PROPERTIES::get).findings())
                .hasSize(5)
                .allMatch(finding -> finding.state() == Finding.State.FINE);
    }

    @Test
    void flags_that_are_missing_are_advised() {
        assertThat(new JvmFlags(25, List.of(), name -> null).findings())
                .hasSize(5)
                .allMatch(finding -> finding.state() == Finding.State.ADVISED)
                .allMatch(finding -> finding.text().endsWith(" is missing"))
                .allMatch(finding -> finding.advice().contains("Start the JVM with -"));
    }

    @Test
    void flags_of_newer_versions_are_not_asked_of_older_ones() {
        assertThat(new JvmFlags(17, List.of(), PROPERTIES::get).findings())
                .hasSize(3)
                .allMatch(finding -> finding.state() == Finding.State.FINE);
    }

    @Test
    void flags_with_other_values_are_shown() {
        assertThat(new JvmFlags(17, List.of(), name -> "5").findings())
                .extracting(Finding::text)
                .contains("-Dorg.bytedeco.javacpp.maxbytes=5 is set");
    }

    @Test
    void processors_come_with_what_arithmetic_uses() {
        Processor processor = Processor.parse(List.of(
                "processor\t: 0", "model name\t: Some CPU", "flags\t\t: sse2 avx2 fma other", "", "flags\t: sse2"));
        assertThat(processor.findings()).singleElement().isEqualTo(Finding.fine("processor", "Some CPU; avx2 fma"));
    }

    @Test
    void processors_without_vectors_are_advised_against() {
        assertThat(Processor.parse(List.of("flags: sse2 avx")).findings())
                .singleElement()
                .matches(finding -> finding.state() == Finding.State.ADVISED);
        assertThat(Processor.parse(List.of("Features : fp asimd")).findings())
                .singleElement()
                .isEqualTo(Finding.fine("processor", "asimd"));
        assertThat(Processor.of(Path.of("no", "cpuinfo"))).isEmpty();
    }

    @Test
    void small_heaps_and_many_threads_are_advised_against() {
        assertThat(Machine.memory(1L << 30, 1L << 34))
                .isEqualTo(Finding.fine("memory", "heap up to 1.0 GiB of 16.0 GiB"));
        assertThat(Machine.memory(1L << 20, 0).state()).isEqualTo(Finding.State.ADVISED);
        assertThat(DoctorCommand.threads(1).state()).isEqualTo(Finding.State.FINE);
        assertThat(DoctorCommand.threads(1 << 20).state()).isEqualTo(Finding.State.ADVISED);
        assertThat(Machine.load(1.5, 2))
                .isEqualTo(Finding.fine("load", "1.5 threads wanted the 2 processors in the last minute"));
        assertThat(Machine.load(2.5, 2).state()).isEqualTo(Finding.State.ADVISED);
    }

    @Test
    void findings_are_printed_with_their_advice_below() {
        StringWriter text = new StringWriter();
        DoctorCommand.print(
                List.of(Finding.advised("memory", "little", "Buy more."), Finding.broken("backend", "gone")),
                new PrintWriter(text));
        assertThat(text.toString().lines())
                .contains("!       memory   little", "                   Buy more.", "FAILED  backend  gone");
    }
}
