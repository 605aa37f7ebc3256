// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.Region;
import io.backpack4j.spi.backend.UnaryOperation;
import io.backpack4j.spi.extension.LossHessianRoot;
import io.backpack4j.spi.extension.NetworkExtension;
import io.backpack4j.spi.extension.NetworkPartial;
import io.backpack4j.spi.extension.SiteDeclaration;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.CrossInnerProducts;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.Map;

/**
 * The GGN's largest eigenvalue and its eigenvector, from the Gram matrix of the root in a first walk and a weighted sum
 * of the root's columns in a second. Dangel, Tatzel, Hennig (2022), "ViViT: Curvature Access Through The Generalized
 * Gauss-Newton's Low-Rank Structure", section 3.
 */
public record TopEigenvector() implements NetworkExtension<Tensor, Tensor> {

    private static final LossHessianRoot ROOT = new LossHessianRoot();

    @Override
    public String resultName() {
        return "top";
    }

    @Override
    public int stages() {
        return 2;
    }

    @Override
    public void declare(int stage, SiteDeclaration site) {
        if (stage == 1) {
            site.accumulateInGroup("all", ROOT, ROOT, new CrossInnerProducts(false));
        } else {
            site.accumulate("vector", ROOT, new Contraction.WeightedSum(new Operand(this, "weights"), 1));
        }
    }

    @Override
    public Map<String, Tensor> fold(int stage, NetworkPartial partial) {
        if (stage == 2) {
            return Map.of();
        }
        var backend = partial.backend();
        Tensor gram = partial.group("all");
        long size = gram.shape().size(0);
        Tensor values = partial.scope().allocate(Shape.of(size), partial.dtype());
        Tensor vectors = partial.scope().allocate(gram.shape(), partial.dtype());
        backend.decompositions().symmetricEigen(gram, values, vectors);
        Tensor largest = partial.scope().allocate(Shape.of(1), partial.dtype());
        backend.indexing().extract(values, Region.all(values.shape()).with(0, size - 1, 1), largest);
        Tensor vector = partial.scope().allocate(Shape.of(size, 1), partial.dtype());
        backend.indexing().extract(vectors, Region.all(gram.shape()).with(1, size - 1, 1), vector);
        Tensor scale = partial.scope().allocate(Shape.of(1), partial.dtype());
        backend.elementwise().apply(UnaryOperation.SQRT, largest, scale);
        backend.elementwise().apply(UnaryOperation.RECIPROCAL, scale, scale);
        backend.elementwise().combine(BinaryOperation.MULTIPLY, vector, scale, vector);
        Shape weights = Shape.of(1, size / partial.samples(), partial.samples());
        return Map.of("largest", largest, "weights", partial.scope().view(vector, weights));
    }

    @Override
    public Tensor operand(String name, SitePartial site) {
        return site.folded(name);
    }

    @Override
    public Tensor finish(SitePartial partial) {
        return partial.tensor("vector");
    }

    @Override
    public Map<String, Tensor> export(Tensor result) {
        return Map.of("", result);
    }

    @Override
    public Tensor finishNetwork(NetworkPartial partial) {
        return partial.folded("largest");
    }

    @Override
    public Map<String, Tensor> exportNetworkResult(Tensor result) {
        return Map.of("", result);
    }
}
