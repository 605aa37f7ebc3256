// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.thirdparty;

import static org.assertj.core.api.Assertions.assertThat;

import io.backpack4j.modules.conv.AdaptiveAvgPool;
import io.backpack4j.modules.conv.AdaptiveMaxPool;
import io.backpack4j.modules.conv.AvgPool;
import io.backpack4j.modules.conv.BatchNorm;
import io.backpack4j.modules.conv.Conv;
import io.backpack4j.modules.conv.ConvTranspose;
import io.backpack4j.modules.conv.MaxPool;
import io.backpack4j.modules.conv.Pad;
import io.backpack4j.modules.conv.Upsample;
import io.backpack4j.modules.linear.Affine;
import io.backpack4j.modules.linear.Concat;
import io.backpack4j.modules.linear.Dropout;
import io.backpack4j.modules.linear.ELU;
import io.backpack4j.modules.linear.Flatten;
import io.backpack4j.modules.linear.GELU;
import io.backpack4j.modules.linear.GLU;
import io.backpack4j.modules.linear.Hardsigmoid;
import io.backpack4j.modules.linear.Hardswish;
import io.backpack4j.modules.linear.Hardtanh;
import io.backpack4j.modules.linear.Identity;
import io.backpack4j.modules.linear.LeakyReLU;
import io.backpack4j.modules.linear.Linear;
import io.backpack4j.modules.linear.LogSigmoid;
import io.backpack4j.modules.linear.LogSoftmax;
import io.backpack4j.modules.linear.MatMul;
import io.backpack4j.modules.linear.Max;
import io.backpack4j.modules.linear.Mean;
import io.backpack4j.modules.linear.Mish;
import io.backpack4j.modules.linear.Mul;
import io.backpack4j.modules.linear.PReLU;
import io.backpack4j.modules.linear.Parameter;
import io.backpack4j.modules.linear.Permute;
import io.backpack4j.modules.linear.ReLU;
import io.backpack4j.modules.linear.ReLU6;
import io.backpack4j.modules.linear.Reshape;
import io.backpack4j.modules.linear.SELU;
import io.backpack4j.modules.linear.Scale;
import io.backpack4j.modules.linear.SiLU;
import io.backpack4j.modules.linear.Sigmoid;
import io.backpack4j.modules.linear.Slice;
import io.backpack4j.modules.linear.Softmax;
import io.backpack4j.modules.linear.Softplus;
import io.backpack4j.modules.linear.Softsign;
import io.backpack4j.modules.linear.StochasticDepth;
import io.backpack4j.modules.linear.Sub;
import io.backpack4j.modules.linear.Sum;
import io.backpack4j.modules.linear.Tanh;
import io.backpack4j.modules.norm.GroupNorm;
import io.backpack4j.modules.norm.InstanceNorm;
import io.backpack4j.modules.norm.LayerNorm;
import io.backpack4j.modules.norm.RMSNorm;
import io.backpack4j.modules.sequence.attention.MultiheadAttention;
import io.backpack4j.modules.sequence.attention.ScaledDotProductAttention;
import io.backpack4j.modules.sequence.attention.TransformerDecoderLayer;
import io.backpack4j.modules.sequence.attention.TransformerEncoderLayer;
import io.backpack4j.modules.sequence.attention.TransformerLayer;
import io.backpack4j.modules.sequence.embedding.Embedding;
import io.backpack4j.modules.sequence.embedding.EmbeddingBag;
import io.backpack4j.modules.sequence.recurrent.GRU;
import io.backpack4j.modules.sequence.recurrent.LSTM;
import io.backpack4j.modules.sequence.recurrent.RNN;
import io.backpack4j.modules.sequence.recurrent.RecurrentOptions;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.testkit.module.ModuleCase;
import io.backpack4j.testkit.module.ModuleContract;
import java.util.List;
import org.junit.jupiter.api.Test;

class OwnModulesContractTest extends ModuleContract {

    @Override
    protected List<ModuleCase> modules() {
        Shape vector = Shape.of(3);
        Shape line = Shape.of(2, 5);
        Shape sequence = Shape.of(3, 4);
        Shape image = Shape.of(2, 3, 2);
        Shape volume = Shape.of(2, 2, 3, 2);
        Slice slice = new Slice(List.of(
                new Slice.Range(),
                new Slice.Index(-1),
                new Slice.Range(null, null, 2L),
                new Slice.Range(1L, null, null)));
        return List.of(
                ModuleCase.of(new Linear(3, 2), vector),
                ModuleCase.of(new Linear(3, 2, false), vector),
                ModuleCase.of(new Linear(2, 4), image),
                ModuleCase.of(new ReLU(), image),
                ModuleCase.of(new LeakyReLU(-0.3), vector),
                ModuleCase.of(new ELU(0.6), vector),
                ModuleCase.of(new SELU(), vector),
                ModuleCase.of(new Sigmoid(), image),
                ModuleCase.of(new Tanh(), image),
                ModuleCase.of(new LogSigmoid(), vector),
                ModuleCase.of(new GELU(), vector),
                ModuleCase.of(new GELU("tanh"), vector),
                ModuleCase.of(new SiLU(), image),
                ModuleCase.of(new Mish(), vector),
                ModuleCase.of(new Softplus(1.5, 0.7), image),
                ModuleCase.of(new Softsign(), vector),
                ModuleCase.of(new Hardtanh(-0.4, 0.9), image),
                ModuleCase.of(new Hardswish(), image),
                ModuleCase.of(new Hardsigmoid(), image),
                ModuleCase.of(new ReLU6(), vector),
                ModuleCase.of(new PReLU(), image),
                ModuleCase.of(new PReLU(2, 0.25), image),
                ModuleCase.of(new PReLU(3, 0.25), vector),
                ModuleCase.of(new GLU(), image),
                ModuleCase.of(new GLU(1), image),
                ModuleCase.of(new Softmax(1L), vector),
                ModuleCase.of(new Softmax(2L), image),
                ModuleCase.of(new LogSoftmax(null), vector),
                ModuleCase.of(new LogSoftmax(-1L), image),
                ModuleCase.of(new Identity(), image),
                ModuleCase.of(new Flatten(), image),
                ModuleCase.of(new Dropout(0.4), image),
                ModuleCase.of(new Scale(-1.5), vector),
                ModuleCase.of(new Sum(), vector, vector, vector),
                ModuleCase.of(new Sum(), image, image),
                ModuleCase.of(new Linear(5, 3), line),
                ModuleCase.of(new Mul(), vector, vector, vector),
                ModuleCase.of(new Sum(), image, Shape.of(2, 1, 1), Shape.of(1, 3, 1)),
                ModuleCase.of(new Sum(), Shape.of(1, 3, 1), image),
                ModuleCase.of(new Sub(), image, image),
                ModuleCase.of(new Sub(), Shape.of(2, 1, 1), Shape.of(1, 3, 2)),
                ModuleCase.of(new Mul(), image, Shape.of(2, 1, 1)),
                ModuleCase.of(new Mul(), Shape.of(2, 1, 1), Shape.of(1, 3, 1), image),
                ModuleCase.of(new Mul(), Shape.of(1, 1, 2), Shape.of(2, 3, 1)),
                ModuleCase.of(new Affine(-1.5, 0.25), image),
                ModuleCase.of(new StochasticDepth(0.4), image),
                ModuleCase.of(new StochasticDepth(0.4, Mode.EVAL), image),
                ModuleCase.of(Upsample.by(1.5, Upsample.Interpolation.BILINEAR), image),
                ModuleCase.of(new Concat(2), image, Shape.of(2, 1, 2)),
                ModuleCase.of(new Mean(1), line),
                ModuleCase.of(new Mean(-2), image),
                ModuleCase.of(new Mean(1), vector),
                ModuleCase.of(new Max(1), image),
                ModuleCase.of(new Max(-1), line),
                ModuleCase.of(new Reshape(-1, 2), image),
                ModuleCase.of(new Reshape(10L), line),
                ModuleCase.of(new MatMul(), Shape.of(2, 3), Shape.of(3, 2)),
                ModuleCase.of(new MatMul(), Shape.of(2, 1, 2), Shape.of(2, 3)),
                ModuleCase.of(new MatMul(), Shape.of(2, 1, 1, 2), Shape.of(3, 2, 2)),
                ModuleCase.of(new Parameter(List.of(2L, 3L)), vector),
                ModuleCase.of(new Permute(0, 3, 1, 2), image),
                ModuleCase.of(slice, image),
                ModuleCase.of(Conv.of(1, 2, 4, 2).withGroups(2).withPadding(1), line),
                ModuleCase.of(Conv.of(2, 2, 3, 2).withSamePadding(), image),
                ModuleCase.of(Conv.of(3, 2, 2, 2).withStride(2), volume),
                ModuleCase.of(ConvTranspose.of(1, 2, 4, 2).withStride(2).withGroups(2), line),
                ModuleCase.of(ConvTranspose.of(2, 2, 1, 2).withDilation(2), image),
                ModuleCase.of(ConvTranspose.of(3, 2, 1, 2).withPadding(1), volume),
                ModuleCase.of(MaxPool.of(2, 2), image),
                ModuleCase.of(AvgPool.of(2, 2), image),
                ModuleCase.of(AdaptiveMaxPool.of(1, 2), line),
                ModuleCase.of(AdaptiveAvgPool.of(3, 2, 1, 2), volume),
                ModuleCase.of(new Pad(List.of(1L, -1L, 2L, 0L), 0.5), image),
                // Differences need steps far below the scale on which a norm bends: √eps where few numbers are
                // normalised.
                ModuleCase.of(new LayerNorm(List.of(3L), 0.1, true, true), vector),
                ModuleCase.of(new LayerNorm(List.of(2L), 0.1, true, true), image),
                ModuleCase.of(LayerNorm.of(3, 2), image),
                ModuleCase.of(new LayerNorm(List.of(5L), 0.1, true, false), line),
                ModuleCase.of(new LayerNorm(List.of(5L), 1e-5, false, true), line),
                ModuleCase.of(new RMSNorm(List.of(5L), null, true), line),
                ModuleCase.of(new RMSNorm(List.of(3L, 2L), 0.01, false), image),
                ModuleCase.of(new GroupNorm(2, 4), Shape.of(4, 3)),
                ModuleCase.of(new GroupNorm(1, 2, 0.1, false), image),
                ModuleCase.of(new InstanceNorm(1, 2, 1e-5, true), line),
                ModuleCase.of(new InstanceNorm(2, 2, 1e-5, false), image),
                ModuleCase.of(new InstanceNorm(3, 2, 1e-3, true), volume),
                ModuleCase.of(new IntegerInputs(new Embedding(4, 3), Shape.of(), 0, 4), Shape.of(1)),
                ModuleCase.of(new IntegerInputs(new Embedding(5, 2, 0L), Shape.of(6), 1, 5), Shape.of(1)),
                ModuleCase.of(new IntegerInputs(new Embedding(1, 2), Shape.of(2, 2), 0, 1), Shape.of(1)),
                ModuleCase.of(
                        new IntegerInputs(new EmbeddingBag(6, 2, EmbeddingBag.Mode.MEAN, 3L), Shape.of(5), 0, 5),
                        Shape.of(1)),
                ModuleCase.of(
                        new IntegerInputs(new EmbeddingBag(3, 4, EmbeddingBag.Mode.SUM), Shape.of(4), 0, 3),
                        Shape.of(1)),
                ModuleCase.of(new RNN(5, 3), line),
                ModuleCase.of(
                        new RNN(new RecurrentOptions(5, 2, 2, false, 0.3, true, false, Mode.EVAL), "relu"),
                        line,
                        Shape.of(4, 2)),
                ModuleCase.of(new LSTM(5, 3), line),
                ModuleCase.of(new LSTM(new RecurrentOptions(5, 2, 2, false, 0.4, true, false, Mode.TRAIN)), line),
                ModuleCase.of(
                        new LSTM(new RecurrentOptions(3, 2, 1, true, 0, true, false, Mode.TRAIN)),
                        Shape.of(4, 3),
                        Shape.of(2, 2),
                        Shape.of(2, 2)),
                ModuleCase.of(new GRU(5, 3), line),
                ModuleCase.of(
                        new GRU(new RecurrentOptions(3, 2, 2, true, 0.2, true, false, Mode.TRAIN)),
                        Shape.of(4, 3),
                        Shape.of(4, 2)),
                withLengths(new GRU(new RecurrentOptions(3, 2, 2, true, 0, true, true, Mode.TRAIN)), Shape.of(4, 3)),
                withLengths(
                        new LSTM(new RecurrentOptions(3, 2, 2, true, 0, true, true, Mode.TRAIN)),
                        Shape.of(4, 3),
                        Shape.of(4, 2),
                        Shape.of(4, 2)),
                withLengths(
                        new RNN(new RecurrentOptions(2, 3, 1, true, 0, true, true, Mode.TRAIN), "tanh"),
                        Shape.of(3, 2),
                        Shape.of(2, 3)),
                ModuleCase.of(new ScaledDotProductAttention(1, false), line, Shape.of(3, 5), Shape.of(3, 2)),
                ModuleCase.of(new ScaledDotProductAttention(2, true), sequence, sequence, sequence),
                ModuleCase.of(
                        new ScaledDotProductAttention(2, false, 0.3, -0.7, Mode.TRAIN),
                        Shape.of(2, 4),
                        sequence,
                        sequence),
                ModuleCase.of(new MultiheadAttention(4, 2), sequence, sequence, sequence),
                ModuleCase.of(
                        new MultiheadAttention(2, 1, 0.3, false, 4L, 3L, false, Mode.TRAIN),
                        Shape.of(2, 2),
                        sequence,
                        Shape.of(3, 3)),
                ModuleCase.of(new TransformerEncoderLayer(new TransformerLayer(4, 2, 3)), sequence),
                ModuleCase.of(
                        new TransformerEncoderLayer(new TransformerLayer(
                                4, 2, 3, 0.2, TransformerLayer.Activation.GELU, 0.1, true, false, true, Mode.TRAIN)),
                        sequence),
                ModuleCase.of(
                        new TransformerDecoderLayer(new TransformerLayer(
                                4, 2, 3, 0, TransformerLayer.Activation.GELU, 0.1, false, true, true, Mode.TRAIN)),
                        sequence,
                        Shape.of(2, 4)),
                ModuleCase.of(BatchNorm.of(2, 2, Mode.EVAL), image),
                ModuleCase.of(new BatchNorm(2, 2, 1e-5, 0.1, false, true, Mode.EVAL), image),
                ModuleCase.of(new Dropout(0.4, Mode.EVAL), image));
    }

    /** Sequences of 0 to 4 steps, or as many as there are. */
    private static ModuleCase withLengths(Module module, Shape... inputs) {
        int steps = Math.toIntExact(inputs[0].size(0));
        return ModuleCase.of(new IntegerInputs(module, Shape.of(), 0, steps + 1), inputs);
    }

    @Override
    protected boolean actsOnce(ModuleCase it) {
        return !List.of("RNN", "LSTM", "GRU", "EmbeddingBag")
                .contains(it.module().type());
    }

    /** The contract finds who says so wrongly; this finds who does not say so. */
    @Test
    void affine_modules_share_their_jacobians() {
        assertThat(modules())
                .filteredOn(it -> it.module().declare(it.inputs()).sharesJacobian())
                .extracting(it -> it.module().type())
                .containsOnly(
                        "Linear",
                        "Identity",
                        "Flatten",
                        "Dropout",
                        "Scale",
                        "Sum",
                        "Sub",
                        "Affine",
                        "StochasticDepth",
                        "Upsample",
                        "Concat",
                        "Mean",
                        "Parameter",
                        "Permute",
                        "Reshape",
                        "Slice",
                        "Conv1d",
                        "Conv2d",
                        "Conv3d",
                        "ConvTranspose1d",
                        "ConvTranspose2d",
                        "ConvTranspose3d",
                        "AvgPool2d",
                        "AdaptiveAvgPool3d",
                        "Pad",
                        "BatchNorm2d");
    }
}
