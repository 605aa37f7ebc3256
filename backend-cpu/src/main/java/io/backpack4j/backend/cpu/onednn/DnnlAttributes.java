// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE;
import static org.bytedeco.dnnl.global.dnnl.DNNL_ARG_SRC_1;
import static org.bytedeco.dnnl.global.dnnl.dnnl_eltwise_linear;
import static org.bytedeco.dnnl.global.dnnl.dnnl_f32;
import static org.bytedeco.dnnl.global.dnnl.dnnl_post_ops_append_binary;
import static org.bytedeco.dnnl.global.dnnl.dnnl_post_ops_append_eltwise;
import static org.bytedeco.dnnl.global.dnnl.dnnl_post_ops_append_sum;
import static org.bytedeco.dnnl.global.dnnl.dnnl_post_ops_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_post_ops_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_attr_create;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_attr_destroy;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_attr_set_post_ops;
import static org.bytedeco.dnnl.global.dnnl.dnnl_primitive_attr_set_scratchpad_mode;
import static org.bytedeco.dnnl.global.dnnl.dnnl_scratchpad_mode_user;

import org.bytedeco.dnnl.dnnl_memory_desc;
import org.bytedeco.dnnl.dnnl_post_ops;
import org.bytedeco.dnnl.dnnl_primitive_attr;

/**
 * Operations that a primitive appends to its main work, in the order of the calls; its scratchpad comes from the pool.
 */
final class DnnlAttributes implements AutoCloseable {

    private final dnnl_post_ops chain = new dnnl_post_ops();
    private final dnnl_primitive_attr attributes = new dnnl_primitive_attr();
    private int length;

    DnnlAttributes() {
        Dnnl.check(dnnl_post_ops_create(chain), "create post-operations");
        Dnnl.check(dnnl_primitive_attr_create(attributes), "create attributes");
    }

    /** value = f(value). */
    DnnlAttributes eltwise(int algorithm, double alpha, double beta) {
        Dnnl.check(
                dnnl_post_ops_append_eltwise(chain, algorithm, (float) alpha, (float) beta), "append a post-operation");
        length++;
        return this;
    }

    /** value = scale · value + offset; left out where it changes nothing. */
    DnnlAttributes affine(double scale, double offset) {
        return scale == 1 && offset == 0 ? this : eltwise(dnnl_eltwise_linear, scale, offset);
    }

    /** value = value + scale · destination; left out where the scale is 0. */
    DnnlAttributes sum(double scale) {
        if (scale != 0) {
            Dnnl.check(dnnl_post_ops_append_sum(chain, (float) scale, 0, dnnl_f32), "append a sum");
            length++;
        }
        return this;
    }

    /** value = operation(value, operand). Returns the argument by which the operand is handed over. */
    int binary(int algorithm, dnnl_memory_desc operand) {
        Dnnl.check(dnnl_post_ops_append_binary(chain, algorithm, operand), "append a binary post-operation");
        return DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE * ++length | DNNL_ARG_SRC_1;
    }

    /** The attributes; no more post-operations may follow. */
    dnnl_primitive_attr done() {
        Dnnl.check(dnnl_primitive_attr_set_post_ops(attributes, chain), "set post-operations");
        Dnnl.check(
                dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user),
                "set the scratchpad mode");
        return attributes;
    }

    @Override
    public void close() {
        dnnl_post_ops_destroy(chain);
        dnnl_primitive_attr_destroy(attributes);
    }
}
