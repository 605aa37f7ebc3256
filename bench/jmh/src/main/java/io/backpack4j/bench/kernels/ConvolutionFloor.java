// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.bench.kernels;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_BIAS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DIFF_WEIGHTS;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_DST;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_WEIGHTS;
import static org.bytedeco.dnnl.global.dnnl.dnnl_convolution_backward_data_primitive_desc_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_convolution_backward_weights_primitive_desc_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_convolution_direct;
import static org.bytedeco.dnnl.global.dnnl.dnnl_convolution_forward_primitive_desc_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_forward_training;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_primitive_attr;
import org.bytedeco.dnnl.dnnl_primitive_desc;
import org.jspecify.annotations.Nullable;

/** oneDNN's own convolutions, with every order its own choice and nothing reordered. */
final class ConvolutionFloor {

    private final dnnl_memory_desc x;
    private final dnnl_memory_desc weight;
    private final dnnl_memory_desc y;
    private final dnnl_memory_desc bias;
    private final long[] stride;
    private final long[] padding;

    ConvolutionFloor(Layer layer) {
        x = OneDnn.any(layer.x().toArray());
        weight = OneDnn.any(layer.weight().toArray());
        y = OneDnn.any(layer.y().toArray());
        bias = OneDnn.any(layer.outputs);
        stride = new long[] {layer.stride, layer.stride};
        padding = new long[] {layer.padding, layer.padding};
    }

    OneDnn forward() {
        return new OneDnn(description(bias), DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST);
    }

    OneDnn backwardData() {
        var description = new dnnl_primitive_desc();
        OneDnn.check(dnnl_convolution_backward_data_primitive_desc_create(
                description,
                OneDnn.ENGINE,
                dnnl_convolution_direct,
                x,
                weight,
                y,
                stride,
                new long[2],
                padding,
                padding,
                description(null),
                (dnnl_primitive_attr) null));
        return new OneDnn(description, DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC);
    }

    OneDnn backwardWeights() {
        var description = new dnnl_primitive_desc();
        OneDnn.check(dnnl_convolution_backward_weights_primitive_desc_create(
                description,
                OneDnn.ENGINE,
                dnnl_convolution_direct,
                x,
                weight,
                null,
                y,
                stride,
                new long[2],
                padding,
                padding,
                description(null),
                (dnnl_primitive_attr) null));
        return new OneDnn(description, DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS);
    }

    private dnnl_primitive_desc description(@Nullable dnnl_memory_desc withBias) {
        var description = new dnnl_primitive_desc();
        OneDnn.check(dnnl_convolution_forward_primitive_desc_create(
                description,
                OneDnn.ENGINE,
                dnnl_forward_training,
                dnnl_convolution_direct,
                x,
                weight,
                withBias,
                y,
                stride,
                new long[2],
                padding,
                padding,
                (dnnl_primitive_attr) null));
        return description;
    }
}
