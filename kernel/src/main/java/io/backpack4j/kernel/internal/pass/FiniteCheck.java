// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.NanPolicy;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.layout.OperandLayout;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/**
 * Requires that results are finite, as {@link NanPolicy} says. Only when they are not, the pass runs again to find
 * where that begins.
 */
public final class FiniteCheck {

    /** Results of so few numbers are always looked at. */
    private static final long FEW = 1 << 12;

    private static final int SHOWN_RESULTS = 5;

    private final NanPolicy policy;
    private final Backend backend;
    private final PassLayout layout;

    public FiniteCheck(NanPolicy policy, Backend backend, PassLayout layout) {
        this.policy = policy;
        this.backend = backend;
        this.layout = layout;
    }

    /** Runs a pass anew. */
    public interface Rerun {
        PassResults run(PassInputs inputs);
    }

    /**
     * Checks.
     *
     * @param results by name
     * @param inputs of which they were computed
     * @param close closes the results; called if they are not finite
     * @throws BackpackException naming the first quantity that is not finite
     */
    public void require(Map<String, Tensor> results, PassInputs inputs, Runnable close, Rerun rerun) {
        List<String> bad = bad(results);
        if (bad.isEmpty()) {
            return;
        }
        String first = described(bad.get(0), results, inputs.sampleIds());
        close.run();
        throw failure(bad, first, inputs, rerun);
    }

    /**
     * Checks what a run brings, as files' numbers are when they are read.
     *
     * @throws BackpackException naming the operands that are not finite
     */
    public void requireOperands(RunOperands operands) {
        List<Tensor> all = operands.tensors().values().stream()
                .flatMap(own -> own.values().stream())
                .toList();
        if (policy == NanPolicy.IGNORE || backend.reductions().allFinite(all)) {
            return;
        }
        Problems problems = new Problems();
        operands.tensors()
                .forEach((name, own) -> own.forEach((parameter, tensor) -> NonFinite.in(tensor)
                        .ifPresent(found -> problems.add(
                                CommonProblems.NOT_FINITE,
                                "Operand '%s' of %s %s. Bring finite numbers, or take what they give with NanPolicy.IGNORE."
                                        .formatted(name, OperandLayout.described(parameter), found.described())))));
        problems.throwIfAny();
    }

    /** A part of a result that is not finite, found within a pass. */
    public static final class FoundInPart extends RuntimeException {

        private static final long serialVersionUID = 1;

        private final String name;
        private final String description;

        private FoundInPart(String name, String description) {
            super(description);
            this.name = name;
            this.description = description;
        }
    }

    /** Checks a part of a result that leaves the pass. */
    public void requirePart(String name, Tensor part) {
        boolean watched = policy != NanPolicy.IGNORE && part.dtype() != DType.INT64 && isLookedAt(name, part);
        if (watched && !backend.reductions().allFinite(part)) {
            throw new FoundInPart(
                    name,
                    "Result '%s' %s"
                            .formatted(
                                    name,
                                    NonFinite.in(part).map(NonFinite::described).orElse("is not finite")));
        }
    }

    /** Words to add after a part was found, when the memory of the pass was given back. */
    public BackpackException failure(FoundInPart found, PassInputs inputs, Rerun rerun) {
        return failure(List.of(found.name), found.description, inputs, rerun);
    }

    private BackpackException failure(List<String> bad, String description, PassInputs inputs, Rerun rerun) {
        return failure(
                parameters(inputs)
                        .or(() -> given(inputs))
                        .or(() -> walked(inputs, rerun))
                        .orElse(description),
                bad);
    }

    /**
     * Checks results that were merged from several passes, whose parts were finite.
     *
     * @param results by name
     * @param sampleIds of all samples
     * @param close closes the results; called if they are not finite
     * @throws BackpackException naming the first quantity that is not finite
     */
    public void requireMerged(Map<String, Tensor> results, long[] sampleIds, Runnable close) {
        List<String> bad = bad(results);
        if (!bad.isEmpty()) {
            String first = described(bad.get(0), results, sampleIds);
            close.run();
            throw failure(first, bad);
        }
    }

    private BackpackException failure(String cause, List<String> bad) {
        return new BackpackException(
                CommonProblems.NOT_FINITE,
                "%s. Results that are not finite: %s. The element type is %s; use smaller numbers or FLOAT64, or take such results with NanPolicy.IGNORE."
                        .formatted(cause, shown(bad), layout.dtype()));
    }

    /** Whether those that are looked at are finite. */
    public boolean isFinite(Map<String, Tensor> results) {
        return backend.reductions().allFinite(watched(results).values());
    }

    private Map<String, Tensor> watched(Map<String, Tensor> results) {
        Map<String, Tensor> watched = new LinkedHashMap<>();
        if (policy != NanPolicy.IGNORE) {
            results.forEach((name, tensor) -> {
                if (tensor.dtype() != DType.INT64 && isLookedAt(name, tensor)) {
                    watched.put(name, tensor);
                }
            });
        }
        return watched;
    }

    private List<String> bad(Map<String, Tensor> results) {
        if (isFinite(results)) {
            return List.of();
        }
        List<String> bad = new ArrayList<>();
        watched(results).forEach((name, tensor) -> {
            if (!backend.reductions().allFinite(tensor)) {
                bad.add(name);
            }
        });
        return bad;
    }

    /** Several tensors of a parameter's shape are as much to read as they were to compute. */
    private boolean isLookedAt(String name, Tensor tensor) {
        Shape shape = tensor.shape();
        if (policy == NanPolicy.FAIL_EVERYWHERE || shape.elements() <= FEW) {
            return true;
        }
        int slash = name.indexOf('/');
        Optional<Shape> parameter = slash < 0 ? Optional.empty() : parameterShape(name.substring(0, slash));
        return parameter
                .map(own -> shape.rank() <= own.rank()
                        || !shape.dropFirst(shape.rank() - own.rank()).equals(own))
                .orElse(true);
    }

    private Optional<Shape> parameterShape(String name) {
        return Optional.ofNullable(layout.graph().parameters().get(name)).map(ParameterSpec::shape);
    }

    private static String described(String name, Map<String, Tensor> results, long[] ids) {
        Tensor tensor = results.get(name);
        boolean perSample = tensor != null
                && tensor.shape().rank() > 0
                && tensor.shape().size(0) == ids.length
                && (name.equals("output") || name.contains("batch"));
        Optional<NonFinite> found =
                tensor == null ? Optional.empty() : perSample ? NonFinite.in(tensor, 0, 0, ids) : NonFinite.in(tensor);
        return "Result '%s' %s".formatted(name, found.map(NonFinite::described).orElse("is not finite"));
    }

    private Optional<String> parameters(PassInputs inputs) {
        for (String name : layout.graph().parameters().keySet()) {
            Optional<NonFinite> found = NonFinite.in(inputs.parameter(name));
            if (found.isPresent()) {
                return found.map(numbers -> "Parameter '%s' %s".formatted(name, numbers.described()));
            }
        }
        return Optional.empty();
    }

    private Optional<String> given(PassInputs inputs) {
        for (String name : layout.graph().graph().inputs()) {
            Optional<NonFinite> found = NonFinite.in(inputs.input(name), 0, 0, inputs.sampleIds());
            if (found.isPresent()) {
                return found.map(numbers -> "Input '%s' %s".formatted(name, numbers.described()));
            }
        }
        return Optional.empty();
    }

    private Optional<String> walked(PassInputs inputs, Rerun rerun) {
        NonFiniteSearch search = new NonFiniteSearch(layout.loss().type(), inputs.sampleIds());
        try {
            rerun.run(inputs.watchedBy(search)).close();
        } catch (NonFiniteSearch.Found found) {
            return Optional.of(found.what());
        } catch (BackpackException e) {
            return Optional.empty(); // The results say enough if the pass cannot run again.
        }
        return Optional.empty();
    }

    private static String shown(List<String> bad) {
        List<String> sorted = List.copyOf(new TreeSet<>(bad));
        String names = String.join(", ", sorted.subList(0, Math.min(SHOWN_RESULTS, sorted.size())));
        int others = sorted.size() - SHOWN_RESULTS;
        return others > 0 ? names + " and " + others + " more" : names;
    }
}
