// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.onednn;

import static org.bytedeco.dnnl.global.dnnl.dnnl_cpu_isa_avx512_core_bf16;
import static org.bytedeco.dnnl.global.dnnl.dnnl_get_effective_cpu_isa;

import io.backpack4j.backend.cpu.memory.Block;

/**
 * An operand of a product, rounded to bfloat16. oneDNN rounds operands of single precision itself only on processors
 * with AMX; elsewhere its mode for that changes nothing, so rounded operands are made here.
 */
final class Rounding {

    static final int BYTES = Short.BYTES;

    /** Rounding an element takes as long as some multiplications; one that takes part in fewer stays as it is. */
    private static final long FEWEST_USES = 32;

    private Rounding() {}

    /** Whether the processor multiplies bfloat16 faster than single precision. */
    static boolean isFast() {
        return (dnnl_get_effective_cpu_isa() & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
    }

    /** Whether so many multiplications pay for so many elements to be rounded. */
    static boolean pays(DnnlContext context, double multiplications, double elements) {
        return context.rounds() && multiplications >= FEWEST_USES * elements;
    }

    /** Rounds neighbouring elements. */
    static void round(DnnlContext context, long from, long elements, long to) {
        context.get(context.key(DnnlKind.ROUND).add(elements), Cost.stream(elements), () -> DnnlRecipes.round(elements))
                .at(0, from)
                .at(1, to)
                .run(context);
    }

    /** Both operands of a product, rounded, as long as it is open. */
    static final class Operands implements AutoCloseable {

        private final DnnlContext context;
        private final Block left;
        private final Block right;

        Operands(DnnlContext context, long left, long leftElements, long right, long rightElements) {
            this.context = context;
            this.left = rounded(left, leftElements);
            boolean same = left == right && leftElements == rightElements;
            this.right = same ? this.left : rounded(right, rightElements);
        }

        private Block rounded(long from, long elements) {
            Block to = context.pool().allocate(elements * BYTES);
            round(context, from, elements, to.address);
            return to;
        }

        long left() {
            return left.address;
        }

        long right() {
            return right.address;
        }

        @Override
        public void close() {
            context.pool().release(left);
            if (right != left) {
                context.pool().release(right);
            }
        }
    }
}
