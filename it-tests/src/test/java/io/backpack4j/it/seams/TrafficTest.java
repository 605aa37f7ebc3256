// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What a warm pass of 3C3D moves without computing: reorders by oneDNN and copies by the C library, each with the
 * reason why it is there. None of it is allocated. A number that grows is a regression; one that shrinks is to be
 * written down.
 */
class TrafficTest {

    private static final int N = 16;

    private enum Kind {
        /**
         * Parameters into the order that oneDNN's convolution likes, once for each of 3 forwards and for each of 2
         * transposes (nobody wants the cotangents of the network's inputs) of every signal: parameters change between
         * passes.
         */
        WEIGHTS_IN,
        /**
         * Back to the user's order: one per layer and result, and one per layer and sample where results are per
         * sample. Variance has two, and takes squares about the first gradient, which it makes once more.
         */
        WEIGHTS_OUT,
        /**
         * Flatten between channels last and the user's order, and back for the cotangents of every signal; the user's
         * inputs for each use of them.
         */
        PLANES,
        /**
         * What lies under windows, where products need it side by side: rows of inputs (KFAC, samples innermost where
         * these are wide), or one box per element of a window and run of samples (inner products of positions for
         * norms, squares of several columns at few positions).
         */
        WINDOWS,
        /** Blocks of Kronecker factors into their places, mirrored ones, and the order of (channel, element) pairs. */
        MATRICES,
        /**
         * Per-sample gradients of biases of linear layers are cotangents: results own their memory. Beside a variance,
         * the gradient and the sum of squares are its moments: twelve parameters, of which five are so small that the C
         * library copies them.
         */
        RESULTS
    }

    /**
     * Counts of reorders in the order of {@link Kind}, then of copies: one in every pass, for Flatten puts the channels
     * first beside its block and brings them back; and one where the loss's cotangents become columns, or the gradient
     * of the last bias, which they are, becomes a result. The exact root of the loss copies its tails, one number per
     * class and sample, before it makes divisors of them.
     */
    private static final Map<String, List<Integer>> EXPECTED = Map.of(
            "gradient",
            List.of(5, 3, 4, 0, 0, 0, 1),
            "BatchGrad",
            List.of(5, 51, 5, 0, 0, 2, 2),
            "BatchL2Grad",
            List.of(5, 3, 4, 9, 0, 0, 1),
            "SumGradSquared",
            List.of(5, 6, 4, 0, 0, 0, 1),
            "Variance",
            List.of(8, 9, 5, 0, 0, 7, 6),
            "DiagGGNMC",
            List.of(7, 6, 6, 0, 0, 0, 2),
            "KFAC",
            List.of(7, 3, 6, 25, 100, 0, 2),
            "DiagGGNExact",
            List.of(7, 5, 7, 9, 0, 0, 2),
            "Cheap6",
            List.of(10, 12, 8, 25, 100, 7, 7));

    private static final Path CPU = Path.of("/proc/cpuinfo");

    @TempDir
    Path folder;

    @Test
    @DisplayName("a warm pass moves what is listed here, and takes nothing from the system")
    void passes_move_no_more_than_is_listed() throws Exception {
        assumeTrue(
                Files.exists(CPU) && Files.readString(CPU).contains("avx512f"),
                "oneDNN chooses its orders by the processor's vectors; the counts are those with AVX-512, which this machine does not have");
        Map<String, List<Integer>> counted = new TreeMap<>();
        String set = "";
        for (String line : lines()) {
            String[] words = line.split(",");
            switch (words[0]) {
                case CountedPass.SET -> {
                    set = words[1];
                    counted.put(set, new ArrayList<>(List.of(0, 0, 0, 0, 0, 0)));
                }
                case CountedPass.COPIES -> counted.get(set).add(Integer.valueOf(words[1]));
                case CountedPass.ALLOCATIONS ->
                    assertThat(words[1]).as("allocations of " + set).isEqualTo("0");
                case "onednn_verbose" -> {
                    if (words[3].equals("exec") && words[5].equals("reorder")) {
                        int kind = kind(words[8], words[words.length - 2]).ordinal();
                        counted.get(set).set(kind, counted.get(set).get(kind) + 1);
                    }
                }
                default -> throw new AssertionError(line);
            }
        }
        assertThat(counted).isEqualTo(new TreeMap<>(EXPECTED));
    }

    /** @param orders such as {@code src:f32::blocked:abcd::f0 dst:f32::blocked:Acdb64a::f0} */
    private static Kind kind(String orders, String sizes) {
        String from = order(orders.substring(0, orders.indexOf(' ')));
        String to = order(orders.substring(orders.indexOf(' ') + 1));
        if (to.matches(".*[A-Z].*")) {
            return Kind.WEIGHTS_IN;
        } else if (from.matches(".*[A-Z].*")) {
            return Kind.WEIGHTS_OUT;
        }
        return switch (sizes.split("x").length) {
            case 1 -> Kind.RESULTS;
            case 2 -> Kind.MATRICES;
            case 3 -> to.equals("bac") ? Kind.WINDOWS : Kind.PLANES;
            default -> from.equals("badc") || from.equals("bdac") ? Kind.MATRICES : Kind.WINDOWS;
        };
    }

    private static String order(String description) {
        return description.split(":")[4];
    }

    private List<String> lines() throws IOException, InterruptedException {
        Path out = folder.resolve("out.txt");
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(flag -> flag.startsWith("-Dorg.bytedeco.")
                        || flag.startsWith("-Dguice_")
                        || flag.startsWith("--enable-native-access")
                        || flag.startsWith("--sun-misc-unsafe-memory-access"))
                .forEach(command::add);
        command.addAll(
                List.of("-cp", System.getProperty("java.class.path"), CountedPass.class.getName(), String.valueOf(N)));
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(ProcessBuilder.Redirect.INHERIT);
        builder.environment().put("OMP_WAIT_POLICY", "passive");
        Process process = builder.start();
        try {
            assertThat(process.waitFor(3, TimeUnit.MINUTES)).as("ended in time").isTrue();
        } finally {
            process.destroyForcibly();
        }
        assertThat(process.exitValue()).isZero();
        return Files.readAllLines(out).stream()
                .filter(line -> !line.startsWith("onednn_verbose,v1,info"))
                .toList();
    }
}
