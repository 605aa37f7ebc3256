// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.internal.layout.GroupKey;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.GroupDerivation;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.NetworkProduct;
import io.backpack4j.spi.extension.NodePartial;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/** View of all sites and observed nodes of one request. */
record NetworkPartialView(
        List<SitePartial> sites,
        List<NodePartial> nodes,
        long samples,
        Finish.Numbers numbers,
        DType dtype,
        Tensors tensors,
        GivenOperands operands,
        Function<CurvatureMatrix, NetworkProduct> products,
        Set<CurvatureMatrix> matrices,
        Backend backend,
        TensorScope scope)
        implements NetworkPartial {

    /**
     * Parts that belong to the network as a whole.
     *
     * @param extension the extension's name
     * @param groups its groups by name
     * @param sums the sums over groups
     * @param folded what it folded so far
     */
    record Tensors(String extension, Map<String, GroupKey> groups, PairSums sums, Map<String, Tensor> folded) {}

    @Override
    public double normaliser() {
        return numbers.normaliser();
    }

    @Override
    public double meanNormaliser() {
        return numbers.mean().getAsDouble();
    }

    @Override
    public boolean isTrial() {
        return numbers.trial();
    }

    /** Whether there is nothing to make anything of. */
    boolean isEmpty() {
        return sites.isEmpty() && nodes.isEmpty();
    }

    @Override
    public Tensor group(String name) {
        return tensors.sums().of(key(name));
    }

    @Override
    public List<Tensor> derived(String group, GroupDerivation derivation) {
        return tensors.sums().derived(key(group), derivation);
    }

    private GroupKey key(String name) {
        GroupKey group = tensors.groups().get(name);
        if (group == null) {
            throw unknown("declared no group", name, "Declared", tensors.groups());
        }
        return group;
    }

    @Override
    public Tensor folded(String name) {
        Tensor tensor = tensors.folded().get(name);
        if (tensor == null) {
            throw unknown("folded no tensor", name, "Folded", tensors.folded());
        }
        return tensor;
    }

    @Override
    public NetworkProduct product(CurvatureMatrix matrix) {
        if (!matrices.contains(matrix)) {
            throw new BackpackException(
                    KernelProblems.UNKNOWN_MATRIX,
                    "Extension %s asked for products with %s, which is not among its networkMatrices(): %s."
                            .formatted(tensors.extension(), matrix, matrices));
        }
        return products.apply(matrix);
    }

    private BackpackException unknown(String what, String name, String participle, Map<String, ?> known) {
        return new BackpackException(
                KernelProblems.UNKNOWN_PARTIAL,
                "Extension %s %s '%s'. %s: %s."
                        .formatted(tensors.extension(), what, name, participle, new TreeSet<>(known.keySet())));
    }

    @Override
    public Tensor operand(String name) {
        return operands.of(name, Operand.NETWORK);
    }
}
