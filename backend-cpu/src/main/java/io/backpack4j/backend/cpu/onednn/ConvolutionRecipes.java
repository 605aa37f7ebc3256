// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_BIAS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_WEIGHTS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_FROM;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_TO;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WEIGHTS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WORKSPACE;
import static org.bytedeco.dnnl.global.dnnl.dnnl_bf16;
import static org.bytedeco.dnnl.global.dnnl.dnnl_convolution_backward_data_primitive_desc_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_convolution_backward_weights_primitive_desc_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_convolution_direct;
import static org.bytedeco.dnnl.global.dnnl.dnnl_convolution_forward_primitive_desc_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_f32;
import static org.bytedeco.dnnl.global.dnnl.dnnl_format_tag_any;
import static org.bytedeco.dnnl.global.dnnl.dnnl_forward_training;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_desc_create_with_tag;
import static org.bytedeco.dnnl.global.dnnl.dnnl_memory_desc_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_pooling_backward_primitive_desc_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_pooling_forward_primitive_desc_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_pooling_max;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_desc_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_reorder_primitive_desc_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_success;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.jspecify.annotations.Nullable;

/**
 * Recipes of primitives of convolutions and pooling. Planes lie channels last; weights lie as oneDNN likes best, so
 * every use of them comes with a reorder from or to the row-major order.
 */
final class ConvolutionRecipes {

    private ConvolutionRecipes() {}

    /** destination = convolution(x); x, weights, bias if there is one, destination. */
    static DnnlPrimitive forward(ConvolutionSizes sizes, boolean bias) {
        try (var memory = new Descriptions(sizes, bias);
                var attributes = new DnnlAttributes()) {
            var description = new dnnl_primitive_desc();
            int status = forward(description, sizes, memory, memory.bias, attributes);
            return bias
                    ? DnnlPrimitive.of(status, description, DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST)
                    : DnnlPrimitive.of(status, description, DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST);
        }
    }

    /** The transpose; y, weights, destination. */
    static DnnlPrimitive backwardData(ConvolutionSizes sizes) {
        try (var memory = new Descriptions(sizes, false);
                var results = new Descriptions(sizes.rounded(false), false);
                var attributes = new DnnlAttributes()) {
            var hint = new dnnl_primitive_desc();
            if (forward(hint, sizes, memory, null, attributes) != dnnl_success) {
                return DnnlPrimitive.none();
            }
            var description = new dnnl_primitive_desc();
            WindowSizes windows = sizes.windows();
            int status = dnnl_convolution_backward_data_primitive_desc_create(
                    description,
                    Dnnl.ENGINE,
                    dnnl_convolution_direct,
                    results.inputs,
                    memory.weights,
                    memory.outputs,
                    windows.stride,
                    windows.dilation,
                    windows.left,
                    windows.right,
                    hint,
                    attributes.done());
            dnnl_primitive_desc_destroy(hint);
            return DnnlPrimitive.of(status, description, DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC);
        }
    }

    /** destination = the weights' gradient, summed over the batch; inputs, outputs' cotangents, destination. */
    static DnnlPrimitive backwardWeights(ConvolutionSizes sizes) {
        try (var memory = new Descriptions(sizes, false);
                var results = new Descriptions(sizes.rounded(false), false);
                var attributes = new DnnlAttributes()) {
            var hint = new dnnl_primitive_desc();
            if (forward(hint, sizes, memory, null, attributes) != dnnl_success) {
                return DnnlPrimitive.none();
            }
            var description = new dnnl_primitive_desc();
            WindowSizes windows = sizes.windows();
            int status = dnnl_convolution_backward_weights_primitive_desc_create(
                    description,
                    Dnnl.ENGINE,
                    dnnl_convolution_direct,
                    memory.inputs,
                    results.weights,
                    null,
                    memory.outputs,
                    windows.stride,
                    windows.dilation,
                    windows.left,
                    windows.right,
                    hint,
                    attributes.done());
            dnnl_primitive_desc_destroy(hint);
            return DnnlPrimitive.of(status, description, DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS);
        }
    }

    private static int forward(
            dnnl_primitive_desc description,
            ConvolutionSizes sizes,
            Descriptions memory,
            @Nullable dnnl_memory_desc bias,
            DnnlAttributes attributes) {
        WindowSizes windows = sizes.windows();
        return dnnl_convolution_forward_primitive_desc_create(
                description,
                Dnnl.ENGINE,
                dnnl_forward_training,
                dnnl_convolution_direct,
                memory.inputs,
                memory.weights,
                bias,
                memory.outputs,
                windows.stride,
                windows.dilation,
                windows.left,
                windows.right,
                attributes.done());
    }

    /** Weights from row-major to the order of an argument of another primitive. */
    static DnnlPrimitive weightsTo(Layout weights, DnnlPrimitive user, int argument) {
        var plain = weights.describe();
        try {
            return reorder(plain, user.description(argument));
        } finally {
            dnnl_memory_desc_destroy(plain);
        }
    }

    /** Weights from the order of an argument of another primitive to row-major. */
    static DnnlPrimitive weightsFrom(DnnlPrimitive maker, int argument, Layout weights) {
        var plain = weights.describe();
        try {
            return reorder(maker.description(argument), plain);
        } finally {
            dnnl_memory_desc_destroy(plain);
        }
    }

    private static DnnlPrimitive reorder(dnnl_memory_desc from, dnnl_memory_desc to) {
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes()) {
            int status = dnnl_reorder_primitive_desc_create(
                    description, from, Dnnl.ENGINE, to, Dnnl.ENGINE, attributes.done());
            return DnnlPrimitive.of(status, description, DNNL_ARG_FROM, DNNL_ARG_TO);
        }
    }

    /** destination = maxima; x, destination, the elements of the windows at which they are. */
    static DnnlPrimitive maximum(WindowSizes sizes, long channels) {
        var inputs = sizes.inputs(channels).describe();
        var outputs = sizes.outputs(channels).describe();
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes()) {
            int status = maximum(description, sizes, inputs, outputs, attributes);
            return DnnlPrimitive.of(status, description, DNNL_ARG_SRC, DNNL_ARG_DST, DNNL_ARG_WORKSPACE);
        } finally {
            dnnl_memory_desc_destroy(inputs);
            dnnl_memory_desc_destroy(outputs);
        }
    }

    /**
     * destination = the cotangents, each at the place of its maximum; cotangents, elements of the windows, destination.
     */
    static DnnlPrimitive scatter(WindowSizes sizes, long channels) {
        var inputs = sizes.inputs(channels).describe();
        var outputs = sizes.outputs(channels).describe();
        var hint = new dnnl_primitive_desc();
        var description = new dnnl_primitive_desc();
        try (var attributes = new DnnlAttributes()) {
            if (maximum(hint, sizes, inputs, outputs, attributes) != dnnl_success) {
                return DnnlPrimitive.none();
            }
            int status = dnnl_pooling_backward_primitive_desc_create(
                    description,
                    Dnnl.ENGINE,
                    dnnl_pooling_max,
                    inputs,
                    outputs,
                    sizes.stride,
                    sizes.kernel,
                    sizes.dilation,
                    sizes.left,
                    sizes.right,
                    hint,
                    attributes.done());
            dnnl_primitive_desc_destroy(hint);
            return DnnlPrimitive.of(status, description, DNNL_ARG_DIFF_DST, DNNL_ARG_WORKSPACE, DNNL_ARG_DIFF_SRC);
        } finally {
            dnnl_memory_desc_destroy(inputs);
            dnnl_memory_desc_destroy(outputs);
        }
    }

    private static int maximum(
            dnnl_primitive_desc description,
            WindowSizes sizes,
            dnnl_memory_desc inputs,
            dnnl_memory_desc outputs,
            DnnlAttributes attributes) {
        return dnnl_pooling_forward_primitive_desc_create(
                description,
                Dnnl.ENGINE,
                dnnl_forward_training,
                dnnl_pooling_max,
                inputs,
                outputs,
                sizes.stride,
                sizes.kernel,
                sizes.dilation,
                sizes.left,
                sizes.right,
                attributes.done());
    }

    /** Layouts of the operands of a convolution; the order of weights is left to oneDNN. */
    private static final class Descriptions implements AutoCloseable {

        final dnnl_memory_desc inputs;
        final dnnl_memory_desc outputs;
        final dnnl_memory_desc weights = new dnnl_memory_desc();
        final @Nullable dnnl_memory_desc bias;

        Descriptions(ConvolutionSizes sizes, boolean withBias) {
            inputs = sizes.inputLayout().rounded(sizes.rounded()).describe();
            outputs = sizes.outputLayout().rounded(sizes.rounded()).describe();
            long[] weightSizes = sizes.weightLayout().sizes();
            Dnnl.check(
                    dnnl_memory_desc_create_with_tag(
                            weights,
                            weightSizes.length,
                            weightSizes,
                            sizes.rounded() ? dnnl_bf16 : dnnl_f32,
                            dnnl_format_tag_any),
                    "describe weights");
            bias = withBias ? Dnnl.dense(sizes.outputs()) : null;
        }

        @Override
        public void close() {
            dnnl_memory_desc_destroy(inputs);
            dnnl_memory_desc_destroy(outputs);
            dnnl_memory_desc_destroy(weights);
            if (bias != null) {
                dnnl_memory_desc_destroy(bias);
            }
        }
    }
}
