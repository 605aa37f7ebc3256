// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.evaluate;

import io.backpack4j.cli.console.CliProblems;
import io.backpack4j.cli.console.Text;
import io.backpack4j.formats.FormatProblems;
import io.backpack4j.formats.Safetensors;
import io.backpack4j.formats.TensorInfo;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Compares loss, output and gradients of a pass with those that a data file has under {@code check/}, as exporters
 * write them.
 *
 * <p>In float64 a tensor may differ by 1e-9 of its largest element, and by 1e-12 where it is zero, which is what is
 * nowhere above 1e-12: gradients that cancel by structure are never exactly zero. In float32 its Euclidean norm may
 * differ by 1e-2 of it, that of loss and output by 1e-4; a gradient that is zero may be as long as 1e-4 of the longest
 * gradient, for its rounding is that of the terms that cancel.
 */
final class ReferenceCheck {

    private static final String PREFIX = "check/";
    private static final String GRADIENT = "/grad";
    private static final double ZERO = 1e-12;
    private static final double DOUBLE_LIMIT = 1e-9;
    private static final double SINGLE_LIMIT = 1e-2;
    private static final double SINGLE_LIMIT_OF_OUTPUT = 1e-4;
    private static final int RANGE = 1 << 14;
    private static final int MOST_SHOWN = 10;

    private final String file;
    private final boolean single;
    private final Map<String, Difference> differences = new LinkedHashMap<>();

    /**
     * How a tensor differs from its reference.
     *
     * @param largest the largest difference of an element
     * @param norm the Euclidean norm of the difference
     * @param largestReference the largest element of the reference, without its sign
     * @param referenceNorm the reference's norm
     */
    private record Difference(double largest, double norm, double largestReference, double referenceNorm) {

        boolean ofZero() {
            return largestReference <= ZERO;
        }
    }

    /** A difference as a share of what is allowed, in words. */
    private record Verdict(String tensor, double share, String words) {}

    private ReferenceCheck(String file, boolean single) {
        this.file = file;
        this.single = single;
    }

    /**
     * Compares.
     *
     * @param results those of a pass by name, of which loss, output and gradients are compared
     * @throws BackpackException {@code MissingTensor} or {@code UnknownTensor} if the file has no references, or others
     *     than the results
     */
    static ReferenceCheck of(Path dataFile, Map<String, Tensor> results, DType dtype) {
        Map<String, Tensor> compared = new TreeMap<>();
        results.forEach((name, tensor) -> {
            if (name.equals("loss") || name.equals("output") || name.endsWith(GRADIENT)) {
                compared.put(name, tensor);
            }
        });
        ReferenceCheck check = new ReferenceCheck(dataFile.toString(), dtype == DType.FLOAT32);
        try (Safetensors references = Safetensors.open(dataFile)) {
            check.requireSame(references, compared);
            compared.forEach((name, tensor) -> check.differences.put(name, difference(references, name, tensor)));
        }
        return check;
    }

    private void requireSame(Safetensors references, Map<String, Tensor> compared) {
        List<String> given = references.tensors().keySet().stream()
                .filter(name -> name.startsWith(PREFIX))
                .map(name -> name.substring(PREFIX.length()))
                .toList();
        if (given.isEmpty()) {
            throw new BackpackException(
                    FormatProblems.MISSING_TENSOR,
                    "File '%s' has no tensors 'check/…' to compare with. Export it with check=True, or evaluate without --check."
                            .formatted(file));
        }
        Problems problems = new Problems();
        compared.forEach((name, tensor) -> {
            TensorInfo reference = references.tensors().get(PREFIX + name);
            if (reference == null) {
                problems.add(
                        FormatProblems.MISSING_TENSOR,
                        "File '%s' has no tensor 'check/%s', with which '%s' would be compared."
                                .formatted(file, name, name));
            } else if (!reference.shape().equals(tensor.shape())
                    || !reference.type().isFloating()) {
                problems.add(
                        CommonProblems.SHAPE_MISMATCH,
                        "Tensor 'check/%s' of file '%s' is %s of shape %s, but is compared with real numbers of shape %s."
                                .formatted(name, file, reference.type(), reference.shape(), tensor.shape()));
            }
        });
        given.stream()
                .filter(name -> !compared.containsKey(name))
                .forEach(name -> problems.add(
                        FormatProblems.UNKNOWN_TENSOR,
                        "File '%s' has 'check/%s', but the model has no result '%s'. Compared are: %s."
                                .formatted(
                                        file,
                                        name,
                                        name,
                                        compared.keySet().stream()
                                                .limit(MOST_SHOWN)
                                                .collect(Collectors.joining(", ")))));
        problems.throwIfAny();
    }

    private static Difference difference(Safetensors references, String name, Tensor tensor) {
        long elements = tensor.shape().elements();
        double[] ours = new double[(int) Math.min(RANGE, elements)];
        double[] theirs = new double[ours.length];
        double largest = 0;
        double squares = 0;
        double largestReference = 0;
        double referenceSquares = 0;
        for (long from = 0; from < elements; from += RANGE) {
            int count = (int) Math.min(RANGE, elements - from);
            tensor.read(from, ours, 0, count);
            references.read(PREFIX + name, from, theirs, 0, count);
            for (int i = 0; i < count; i++) {
                double difference = Math.abs(ours[i] - theirs[i]);
                // NaN is as far away as can be
                largest = Math.max(largest, Double.isNaN(difference) ? Double.POSITIVE_INFINITY : difference);
                squares += difference * difference;
                largestReference = Math.max(largestReference, Math.abs(theirs[i]));
                referenceSquares += theirs[i] * theirs[i];
            }
        }
        double norm = Double.isInfinite(largest) ? largest : Math.sqrt(squares);
        return new Difference(largest, norm, largestReference, Math.sqrt(referenceSquares));
    }

    private Verdict verdict(String name, Difference difference) {
        return single ? singleVerdict(name, difference) : doubleVerdict(name, difference);
    }

    private static Verdict doubleVerdict(String name, Difference difference) {
        double limit = difference.ofZero() ? ZERO : DOUBLE_LIMIT * difference.largestReference();
        String words = difference.ofZero()
                ? "%s, where it is zero (allowed: %s)".formatted(Text.number(difference.largest()), Text.number(ZERO))
                : "%s of its largest element (allowed: %s)"
                        .formatted(
                                Text.number(difference.largest() / difference.largestReference()),
                                Text.number(DOUBLE_LIMIT));
        return new Verdict(name, difference.largest() / limit, words);
    }

    private Verdict singleVerdict(String name, Difference difference) {
        if (difference.ofZero()) {
            double longest = differences.entrySet().stream()
                    .filter(entry -> entry.getKey().endsWith(GRADIENT))
                    .mapToDouble(entry -> entry.getValue().referenceNorm())
                    .max()
                    .orElse(0);
            double limit = Math.max(ZERO, SINGLE_LIMIT_OF_OUTPUT * longest);
            String words = "the norm %s, where it is zero (allowed: %s)"
                    .formatted(Text.number(difference.norm()), Text.number(limit));
            return new Verdict(name, difference.norm() / limit, words);
        }
        double share = name.endsWith(GRADIENT) ? SINGLE_LIMIT : SINGLE_LIMIT_OF_OUTPUT;
        double relative = difference.norm() / difference.referenceNorm();
        return new Verdict(
                name,
                relative / share,
                "%s of its norm (allowed: %s)".formatted(Text.number(relative), Text.number(share)));
    }

    private List<Verdict> verdicts() {
        List<Verdict> verdicts = new ArrayList<>();
        differences.forEach((name, difference) -> verdicts.add(verdict(name, difference)));
        verdicts.sort(Comparator.comparingDouble(Verdict::share).reversed());
        return verdicts;
    }

    /**
     * Requires that no tensor differs by more than is allowed.
     *
     * @throws BackpackException {@code CheckFailed} with the tensors that do, the worst first
     */
    void require() {
        List<Verdict> failed =
                verdicts().stream().filter(verdict -> !(verdict.share() <= 1)).toList();
        if (failed.isEmpty()) {
            return;
        }
        String shown = failed.stream()
                .limit(MOST_SHOWN)
                .map(verdict -> "\n    '%s' by %s".formatted(verdict.tensor(), verdict.words()))
                .collect(Collectors.joining());
        int others = failed.size() - MOST_SHOWN;
        throw new BackpackException(
                CliProblems.CHECK_FAILED,
                "%d of %d tensors differ from 'check/…' of file '%s'. The worst:%s%s"
                        .formatted(
                                failed.size(),
                                differences.size(),
                                file,
                                shown,
                                others > 0 ? "\n    and %d others".formatted(others) : ""));
    }

    /** Prints the worst difference. */
    void print(PrintWriter out) {
        Verdict worst = verdicts().get(0);
        out.println("check: %d tensors agree with '%s'; the worst, '%s', differs by %s"
                .formatted(differences.size(), file, worst.tensor(), worst.words()));
    }
}
