// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import io.backpack4j.backend.cpu.loops.NativeLibraries;
import io.backpack4j.backend.cpu.loops.NativeThreads;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Function;

/** Many trials of one kind of primitive. */
final class DnnlSearch {

    private static final int MOST_PROBLEMS = 20;

    /** So many shapes are tried however long they take. */
    private static final int FEWEST_TRIALS = 20;

    private static final Map<String, Function<Random, Optional<DnnlTrial>>> KINDS = new LinkedHashMap<>();

    static {
        KINDS.put("convolution", ConvolutionTrials::forward);
        KINDS.put("transposed convolution", ConvolutionTrials::backwardData);
        KINDS.put("weight gradient", ConvolutionTrials::backwardWeights);
        KINDS.put("maximum", ConvolutionTrials::maximum);
        KINDS.put("product", ProductTrials::matmul);
        KINDS.put("strided product", ProductTrials::strided);
        KINDS.put("linear", ProductTrials::linear);
        KINDS.put("squared product", ProductTrials::squaredProduct);
        // elsewhere there are no primitives for them, or slow ones
        if (Rounding.isFast()) {
            KINDS.put("rounded product", ProductTrials::rounded);
            KINDS.put("rounded squared product", ProductTrials::roundedSquaredProduct);
            KINDS.put("rounded transposed convolution", ConvolutionTrials::roundedBackwardData);
            KINDS.put("rounded weight gradient", ConvolutionTrials::roundedBackwardWeights);
        }
        KINDS.put("sums", ProductTrials::sums);
        KINDS.put("permutation", MoveTrials::permutation);
        KINDS.put("box", MoveTrials::box);
        KINDS.put("mirror", MoveTrials::mirror);
        KINDS.put("function", ElementwiseTrials::function);
        KINDS.put("chain", ElementwiseTrials::chain);
        KINDS.put("pullback", ElementwiseTrials::pullback);
        KINDS.put("binary", ElementwiseTrials::binary);
        KINDS.put("scaled", ElementwiseTrials::scaled);
        KINDS.put("squares", ElementwiseTrials::squares);
        KINDS.put("softmax", ElementwiseTrials::softmax);
    }

    private final String kind;
    private final Map<String, String> problems = new LinkedHashMap<>();
    private final Map<String, Integer> implementations = new TreeMap<>();
    private long tried;
    private long others;
    private long wrong;

    private DnnlSearch(String kind) {
        this.kind = kind;
    }

    static Iterable<String> kinds() {
        return KINDS.keySet();
    }

    /**
     * Searches for a while.
     *
     * @param log a file that says what is being tried, for when operands have a page behind them that ends the process;
     *     without one there is no such page
     */
    static DnnlSearch of(String kind, long seed, long millis, Optional<Path> log) throws IOException {
        var search = new DnnlSearch(kind);
        long end = System.nanoTime() + millis * 1_000_000;
        try (var arena = new DnnlTrial.Arena(log.isPresent())) {
            for (long number = seed; search.tried < FEWEST_TRIALS || System.nanoTime() < end; number++) {
                NativeThreads.ofThisThread().use(1);
                var random = new Random(number * 31 + kind.hashCode());
                Optional<DnnlTrial> trial = KINDS.get(kind).apply(random);
                if (trial.isEmpty()) {
                    search.others++;
                    continue;
                }
                try (DnnlTrial each = trial.get()) {
                    search.run(arena, each, number, log);
                }
            }
        }
        return search;
    }

    private void run(DnnlTrial.Arena arena, DnnlTrial trial, long number, Optional<Path> log) throws IOException {
        if (!trial.usable() || !trial.fits()) {
            others++;
            return;
        }
        String what = "seed %d: %s".formatted(number, trial.description());
        if (log.isPresent()) {
            Files.writeString(log.get(), what + System.lineSeparator());
        }
        tried++;
        implementations.merge(trial.implementation(), 1, Integer::sum);
        Optional<String> problem = trial.run(arena);
        if (problem.isPresent()) {
            wrong++;
            if (problems.size() < MOST_PROBLEMS) {
                problems.put(what, problem.get());
            }
        }
    }

    /** What went wrong, the first few. */
    Map<String, String> problems() {
        return problems;
    }

    /** A row of the table in {@code docs/robustness.md}. */
    String row() {
        String isa = Optional.ofNullable(System.getenv("ONEDNN_MAX_CPU_ISA")).orElse("default");
        return "| oneDNN, %s, %s | %,d shapes tried, %,d wrong; %,d are not oneDNN's |"
                .formatted(kind, isa, tried, wrong, others);
    }

    Map<String, Integer> implementations() {
        return implementations;
    }

    /** Searches outside of a build: seconds per kind, a first seed, the log or {@code -}, and kinds, or all. */
    public static void main(String[] arguments) throws IOException {
        if (NativeLibraries.get().onednn().isEmpty()) {
            throw new IllegalStateException("oneDNN does not load.");
        }
        long millis = Long.parseLong(arguments[0]) * 1000;
        long seed = Long.parseLong(arguments[1]);
        Optional<Path> log = arguments[2].equals("-") ? Optional.empty() : Optional.of(Path.of(arguments[2]));
        for (String kind : kinds()) {
            boolean wanted = arguments.length == 3;
            for (int i = 3; i < arguments.length; i++) {
                wanted |= arguments[i].equals(kind);
            }
            if (wanted) {
                DnnlSearch found = of(kind, seed, millis, log);
                System.out.println(found.row() + " " + found.implementations);
                found.problems.forEach((what, problem) -> System.out.println("    " + what + ": " + problem));
            }
        }
    }
}
