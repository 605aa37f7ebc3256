// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The operands that the runs of a layout bring: names to parameters, or {@link Operand#NETWORK}, to what was declared.
 */
public final class OperandLayout {

    private final Map<String, Map<String, DeclaredOperand>> declared = new TreeMap<>();
    private final DType dtype;

    OperandLayout(Collection<SiteLayout> sites, DType dtype) {
        this.dtype = dtype;
        for (SiteLayout site : sites) {
            for (SiteRequest request : site.requests()) {
                request.operands().forEach((name, operand) -> put(name, site.parameter(), operand));
                ofNetwork(request.request().extension()).forEach((name, shape) -> {
                    put(name, Operand.NETWORK, new DeclaredOperand(shape, 1));
                });
            }
        }
    }

    private static Map<String, Shape> ofNetwork(Extension<?> extension) {
        return PluginCalls.call(Part.of(extension), "as it declared operands", extension::networkOperands);
    }

    private void put(String name, String parameter, DeclaredOperand operand) {
        declared.computeIfAbsent(name, absent -> new TreeMap<>())
                .merge(
                        parameter,
                        operand,
                        (first, second) -> new DeclaredOperand(first.shape(), Math.min(first.stage(), second.stage())));
    }

    /** Whether there are none. */
    public boolean isEmpty() {
        return declared.isEmpty();
    }

    /** Reports operands of one name that cannot be one. */
    public static void report(Collection<SiteLayout> sites, Problems problems) {
        Map<String, Map<String, String>> shapes = new TreeMap<>();
        for (SiteLayout site : sites) {
            for (SiteRequest request : site.requests()) {
                String type = request.request().extension().type();
                request.operands().forEach((name, operand) -> {
                    report(shapes, type, name, site.parameter(), operand.shape().toString(), problems);
                });
                ofNetwork(request.request().extension()).forEach((name, shape) -> {
                    report(shapes, type, name, Operand.NETWORK, shape.toString(), problems);
                });
            }
        }
        shapes.forEach((name, own) -> {
            if (own.size() > 1 && own.containsKey(Operand.NETWORK)) {
                problems.add(
                        CommonProblems.INVALID_DECLARATION,
                        "Operand '%s' is declared of the network and of parameters. Rename one.".formatted(name));
            }
        });
    }

    private static void report(
            Map<String, Map<String, String>> shapes,
            String type,
            String name,
            String parameter,
            String shape,
            Problems problems) {
        String other = shapes.computeIfAbsent(name, absent -> new TreeMap<>()).putIfAbsent(parameter, shape);
        if (name.isEmpty() || name.contains("/")) {
            problems.add(
                    CommonProblems.INVALID_DECLARATION,
                    "%s declares an operand '%s', but names of operands are not empty and have no slash."
                            .formatted(type, name));
        } else if (other != null && !other.equals(shape)) {
            problems.add(
                    CommonProblems.INVALID_DECLARATION,
                    "%s declares operand '%s' of %s with shape %s, and another extension with %s. Rename one."
                            .formatted(type, name, described(parameter), shape, other));
        }
    }

    /** How many elements all of them have. */
    public long elements() {
        return declared.values().stream()
                .flatMap(own -> own.values().stream())
                .mapToLong(operand -> operand.shape().elements())
                .sum();
    }

    /**
     * Requires that everything is there that a pass needs before it starts, and nothing else.
     *
     * @param supplied whether operands of later stages come later
     */
    public void require(RunOperands given, Backend backend, boolean supplied) {
        Problems problems = new Problems();
        declared.forEach((name, own) -> own.forEach((parameter, operand) -> {
            Tensor tensor = given.tensors().getOrDefault(name, Map.of()).get(parameter);
            if (tensor != null) {
                check(name, parameter, operand, tensor, backend, problems);
            } else if (!supplied || operand.stage() == 1) {
                problems.add(
                        KernelProblems.MISSING_OPERAND,
                        "The run brings no operand '%s' of %s, which has shape %s. Add it to RunOptions.operands, in a session to Session.add, in a data file as 'operand/%s/%s'."
                                .formatted(name, described(parameter), operand.shape(), name, parameter));
            }
        }));
        given.tensors()
                .forEach((name, own) -> own.keySet().forEach(parameter -> {
                    if (!declared.getOrDefault(name, Map.of()).containsKey(parameter)) {
                        problems.add(
                                CommonProblems.UNKNOWN_OPERAND,
                                "The run brings an operand '%s' of %s, which no extension of the pass declares. Declared: %s. Leave it out."
                                        .formatted(name, described(parameter), names()));
                    }
                }));
        problems.throwIfAny();
    }

    private void check(
            String name, String parameter, DeclaredOperand operand, Tensor tensor, Backend backend, Problems problems) {
        String which = "Operand '%s' of %s".formatted(name, described(parameter));
        if (tensor.isClosed()) {
            problems.add(
                    CommonProblems.CLOSED_TENSOR,
                    "%s was closed. Keep it open until the run has ended.".formatted(which));
        } else if (!tensor.backend().equals(backend.id())) {
            problems.add(
                    CommonProblems.FOREIGN_TENSOR,
                    "%s is a tensor of backend '%s', but the pass runs on '%s'. Make it with BackPack.backend()."
                            .formatted(which, tensor.backend(), backend.id()));
        } else if (!tensor.shape().equals(operand.shape())) {
            problems.add(
                    CommonProblems.SHAPE_MISMATCH,
                    "%s has shape %s, but was declared with %s.".formatted(which, tensor.shape(), operand.shape()));
        } else if (tensor.dtype() != dtype) {
            problems.add(
                    CommonProblems.WRONG_TYPE,
                    "%s has type %s, but must have the model's, %s.".formatted(which, tensor.dtype(), dtype));
        }
    }

    private String names() {
        List<String> names = new ArrayList<>();
        declared.forEach((name, own) -> own.keySet().forEach(parameter -> names.add(name + "/" + parameter)));
        return names.isEmpty() ? "none" : String.join(", ", names);
    }

    /** Whose an operand is, for messages. */
    public static String described(String parameter) {
        return parameter.equals(Operand.NETWORK) ? "the network" : "parameter '" + parameter + "'";
    }

    /** Zeros, for a rehearsal. */
    public RunOperands zeros(Backend backend, TensorScope scope) {
        RunOperands all = RunOperands.NONE;
        for (Map.Entry<String, Map<String, DeclaredOperand>> named : declared.entrySet()) {
            for (Map.Entry<String, DeclaredOperand> own : named.getValue().entrySet()) {
                Tensor tensor = scope.allocate(own.getValue().shape(), dtype);
                backend.elementwise().fill(tensor, 0);
                all = all.with(named.getKey(), own.getKey(), tensor);
            }
        }
        return all;
    }
}
