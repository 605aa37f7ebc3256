// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cpu.loops;

import io.backpack4j.backend.cpu.memory.CpuTensor;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.backend.UnaryOperation;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.CustomOp;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.executioner.OpExecutioner;
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.AddOp;
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.DivOp;
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.MulOp;
import org.nd4j.linalg.api.ops.impl.transforms.pairwise.arithmetic.SubOp;
import org.nd4j.linalg.api.ops.impl.transforms.same.Square;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Exp;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Expm1;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Log;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Log1p;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Tanh;
import org.nd4j.linalg.factory.Nd4j;

/**
 * ND4J's element-wise operations, for arrays that are long enough: a call costs as much as a loop over some thousand
 * elements. Only operations that write into a given array and make no native object per call are here.
 */
final class Nd4jTransforms {

    /**
     * From here on a call for a costly function is worth it: ND4J's are not faster than Java's, but it has several
     * threads.
     */
    private static final long WORTH_A_CALL = 8192;

    /** From here on operations that only wait for memory gain from several threads. */
    private static final long WORTH_SHARING = 1 << 17;

    private final OpExecutioner executioner = Nd4j.getExecutioner();

    /** destination = operation(x), if that is worth it and ND4J has it. */
    boolean apply(UnaryOperation operation, CpuTensor x, CpuTensor destination) {
        long least = operation == UnaryOperation.SQUARE ? WORTH_SHARING : WORTH_A_CALL;
        Op transform = x.elements < least ? null : operation(operation, x.flat(), destination.flat());
        if (transform == null) {
            return false;
        }
        executioner.exec(transform);
        return true;
    }

    /** destination = operation(a, b) of equal shapes, if that is worth it and ND4J has it. */
    boolean combine(BinaryOperation operation, CpuTensor a, CpuTensor b, CpuTensor destination) {
        CustomOp transform =
                a.elements < WORTH_SHARING ? null : operation(operation, a.flat(), b.flat(), destination.flat());
        if (transform == null) {
            return false;
        }
        executioner.exec(transform);
        return true;
    }

    private static @Nullable Op operation(UnaryOperation operation, INDArray x, INDArray z) {
        return switch (operation) {
            case EXP -> new Exp(x, z);
            case LOG -> new Log(x, z);
            case LOG1P -> new Log1p(x, z);
            case EXPM1 -> new Expm1(x, z);
            case TANH -> new Tanh(x, z);
            case SQUARE -> new Square(x, z);
            case NEGATE, ABS, SIGN, SQRT, RECIPROCAL, POSITIVE -> null;
        };
    }

    private static @Nullable CustomOp operation(BinaryOperation operation, INDArray a, INDArray b, INDArray z) {
        return switch (operation) {
            case ADD -> new AddOp(a, b, z);
            case SUBTRACT -> new SubOp(a, b, z);
            case MULTIPLY -> new MulOp(a, b, z);
            case DIVIDE -> new DivOp(a, b, z);
            case MAXIMUM, MINIMUM -> null;
        };
    }
}
