// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.backend;

import io.backpack4j.spi.backend.portable.PortableContractions;
import io.backpack4j.spi.backend.portable.PortableConvolutions;
import io.backpack4j.spi.backend.portable.PortablePooling;
import io.backpack4j.spi.backend.portable.PortableRandomDraws;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Supplies the arithmetic: small groups of operations that write into given tensors.
 *
 * <p>A group's plain operations are abstract; its fused ones have portable defaults made of plain ones, so that a new
 * backend starts small and gets fast later. Shapes are checked once, when a plan is made; a backend may trust them
 * afterwards. Operands of one operation have one floating type unless it says otherwise. A destination may be an
 * operand of an element-wise operation, and of no other. Operations may be called from any thread as long as tensors
 * and scopes stay with theirs.
 *
 * <pre>{@code
 * try (TensorScope scope = backend.openScope()) {
 *     Tensor x = backend.upload(scope, Shape.of(2), DType.FLOAT64, new double[] {1, 2});
 *     Tensor doubled = scope.allocate(x.shape(), x.dtype());
 *     backend.elementwise().combine(BinaryOperation.ADD, x, x, doubled);
 * }
 * }</pre>
 */
public interface Backend extends AutoCloseable {

    /** The id of the provider that opened it. */
    String id();

    /** Opens a scope that owns the tensors allocated in it. */
    TensorScope openScope();

    /** What the pool holds now. */
    MemoryStatistics memory();

    /** Sets the peak back to what is used now. */
    void resetPeak();

    /**
     * Counts, and limits, what the calling thread takes from now on. While the account is open, the backend holds no
     * more memory for this thread from the system than {@code plannedBytes} and a few MiB, however it cuts that up.
     *
     * @param plannedBytes what is expected to be in use at most
     * @param limitBytes what may be in use at most; an allocation beyond fails with {@code [OutOfMemory]}
     * @return empty if this backend does not count: then tensors alone are planned
     */
    default Optional<MemoryAccount> openAccount(long plannedBytes, long limitBytes) {
        return Optional.empty();
    }

    /**
     * The most bytes that it may ever hold: what a user allows, or what the machine or device has. A plan refuses what
     * must be kept as a whole and is larger.
     */
    default long capacityBytes() {
        return Long.MAX_VALUE;
    }

    /** Whether it can multiply numbers of a type in a precision. */
    default boolean supports(Precision precision, DType dtype) {
        return precision == Precision.FULL;
    }

    /**
     * Does work of the calling thread in a precision that is {@linkplain #supports supported}. Work within work has
     * its own.
     */
    default <T> T in(Precision precision, Supplier<T> work) {
        return work.get();
    }

    /** Element by element. */
    Elementwise elementwise();

    /** Sums, extrema and other reductions. */
    Reductions reductions();

    /** Matrix products. */
    Products products();

    /** Moving elements about. */
    Indexing indexing();

    /** Decompositions of symmetric matrices. */
    Decompositions decompositions();

    /** Random draws. */
    default RandomDraws random() {
        return new PortableRandomDraws();
    }

    /** The fused contractions that per-sample quantities are made of. */
    default Contractions contractions() {
        return new PortableContractions(this);
    }

    /** Convolutions, and the fused contractions of their weights. */
    default Convolutions convolutions() {
        return new PortableConvolutions(this);
    }

    /** Pooling. */
    default Pooling pooling() {
        return new PortablePooling(this);
    }

    /** Recurrent layers over all steps at once. */
    default Recurrences recurrences() {
        return () -> this;
    }

    /** A tensor in {@code scope} with the given numbers. */
    default Tensor upload(TensorScope scope, Shape shape, DType dtype, double[] values) {
        Tensor tensor = scope.allocate(shape, dtype);
        tensor.write(0, values, 0, values.length);
        return tensor;
    }

    /** Returns all memory to the system. Tensors must be closed before. */
    @Override
    void close();
}
