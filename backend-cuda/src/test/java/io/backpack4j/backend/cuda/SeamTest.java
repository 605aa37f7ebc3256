// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyBoolean;
import static org.mockito.ArgumentMatchers.anyInt;
import static org.mockito.ArgumentMatchers.anyLong;
import static org.mockito.ArgumentMatchers.eq;
import static org.mockito.Mockito.atLeast;
import static org.mockito.Mockito.clearInvocations;
import static org.mockito.Mockito.doThrow;
import static org.mockito.Mockito.inOrder;
import static org.mockito.Mockito.never;
import static org.mockito.Mockito.times;
import static org.mockito.Mockito.verify;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.BinaryOperation;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.mockito.ArgumentCaptor;
import org.mockito.InOrder;

/** What CUDA is asked for: order, sizes, leading dimensions, and that everything is given back whatever fails. */
class SeamTest {

    private final FakeCuda cuda = new FakeCuda();

    private List<MatrixProduct> multiply(
            DType dtype, Shape a, boolean transposeA, Shape b, boolean transposeB, Shape destination) {
        ArgumentCaptor<MatrixProduct> products = ArgumentCaptor.forClass(MatrixProduct.class);
        try (CudaBackend backend = cuda.backend();
                TensorScope scope = backend.openScope()) {
            backend.products()
                    .multiply(
                            scope.allocate(a, dtype),
                            transposeA,
                            scope.allocate(b, dtype),
                            transposeB,
                            2,
                            0.5,
                            scope.allocate(destination, dtype));
        }
        verify(cuda.api, atLeast(0)).multiply(any(), eq(dtype), products.capture());
        return products.getAllValues();
    }

    private static void assertSizes(MatrixProduct product, long m, long n, long k, long batch) {
        assertThat(List.of(product.m(), product.n(), product.k(), product.batch()))
                .containsExactly(m, n, k, batch);
    }

    private static void assertSteps(MatrixProduct.Matrices matrices, long leading, long stride) {
        assertThat(matrices.leading()).as("leading dimension").isEqualTo(leading);
        assertThat(matrices.stride()).as("stride").isEqualTo(stride);
    }

    @Test
    void aProductIsThatOfTheTransposes() {
        List<MatrixProduct> products =
                multiply(DType.FLOAT32, Shape.of(3, 4), false, Shape.of(4, 5), false, Shape.of(3, 5));
        assertThat(products).hasSize(1);
        MatrixProduct product = products.get(0);
        assertSizes(product, 5, 3, 4, 1);
        assertThat(product.a().matrices().leading()).isEqualTo(5);
        assertThat(product.b().matrices().leading()).isEqualTo(4);
        assertThat(product.c().leading()).isEqualTo(5);
        assertThat(product.a().transposed()).isFalse();
        assertThat(product.b().transposed()).isFalse();
        assertThat(product.alpha()).isEqualTo(2);
        assertThat(product.beta()).isEqualTo(0.5);
    }

    @Test
    void transposedFactorsKeepTheirLeadingDimensions() {
        MatrixProduct product = multiply(
                        DType.FLOAT64, Shape.of(2, 4, 3), true, Shape.of(2, 5, 4), true, Shape.of(2, 3, 5))
                .get(0);
        assertSizes(product, 5, 3, 4, 2);
        assertThat(product.a().transposed()).isTrue();
        assertThat(product.b().transposed()).isTrue();
        assertSteps(product.a().matrices(), 4, 20);
        assertSteps(product.b().matrices(), 3, 12);
        assertSteps(product.c(), 5, 15);
    }

    @Test
    void aSharedLeftFactorHasStrideZero() {
        MatrixProduct product = multiply(
                        DType.FLOAT32, Shape.of(1, 3, 4), false, Shape.of(7, 4, 5), false, Shape.of(7, 3, 5))
                .get(0);
        assertSizes(product, 5, 3, 4, 7);
        assertSteps(product.a().matrices(), 5, 20);
        assertSteps(product.b().matrices(), 4, 0);
    }

    @Test
    void withASharedRightFactorTheLeftOnesAreOneMatrix() {
        List<MatrixProduct> products =
                multiply(DType.FLOAT32, Shape.of(7, 3, 4), false, Shape.of(1, 4, 5), false, Shape.of(7, 3, 5));
        assertThat(products).hasSize(1);
        assertSizes(products.get(0), 5, 21, 4, 1);
    }

    @Test
    void theLongerAxisOfTwoIsTheBatch() {
        List<MatrixProduct> products =
                multiply(DType.FLOAT32, Shape.of(1, 2, 3, 4), false, Shape.of(9, 2, 4, 5), false, Shape.of(9, 2, 3, 5));
        assertThat(products).hasSize(2);
        for (int group = 0; group < 2; group++) {
            MatrixProduct product = products.get(group);
            MatrixProduct first = products.get(0);
            assertSizes(product, 5, 3, 4, 9);
            assertSteps(product.a().matrices(), 5, 40);
            assertSteps(product.b().matrices(), 4, 0);
            assertSteps(product.c(), 5, 30);
            assertThat(product.a().matrices().address() - first.a().matrices().address())
                    .isEqualTo(group * 80L);
            assertThat(product.b().matrices().address() - first.b().matrices().address())
                    .isEqualTo(group * 48L);
            assertThat(product.c().address() - first.c().address()).isEqualTo(group * 60L);
        }
    }

    @Test
    void emptyProductsAskForNothing() {
        assertThat(multiply(DType.FLOAT32, Shape.of(0, 4), false, Shape.of(4, 5), false, Shape.of(0, 5)))
                .isEmpty();
        assertThat(multiply(DType.FLOAT32, Shape.of(3, 0), false, Shape.of(0, 5), false, Shape.of(3, 5)))
                .as("the destination is scaled instead")
                .isEmpty();
    }

    @Test
    void columnsOfWeightsAreNotCopied() {
        ArgumentCaptor<MatrixProduct> captor = ArgumentCaptor.forClass(MatrixProduct.class);
        try (CudaBackend backend = cuda.backend();
                CudaScope scope = backend.openScope()) {
            CudaTensor weights = scope.allocate(Shape.of(2, 10), DType.FLOAT32);
            CudaTensor tiles = scope.allocate(Shape.of(3, 6), DType.FLOAT32);
            CudaTensor sums = scope.allocate(Shape.of(2, 6), DType.FLOAT32);
            backend.products().multiplyColumns(weights, 4, tiles, 3, sums);
        }
        verify(cuda.api).multiply(any(), eq(DType.FLOAT32), captor.capture());
        List<MatrixProduct> products = captor.getAllValues();
        assertSizes(products.get(0), 6, 2, 3, 1);
        assertThat(products.get(0).b().matrices().leading()).isEqualTo(10);
        assertThat(products.get(0).b().matrices().address() % (1 << 20)).isEqualTo(16);
        assertThat(products.get(0).beta()).isEqualTo(1);
    }

    @Test
    void workIsEnqueuedInOrderOnOneStreamAndReadBehindIt() {
        try (CudaBackend backend = cuda.backend();
                TensorScope scope = backend.openScope()) {
            Tensor x = backend.upload(scope, Shape.of(300), DType.FLOAT32, new double[300]);
            Tensor y = scope.allocate(Shape.of(300), DType.FLOAT32);
            backend.elementwise().combine(BinaryOperation.ADD, x, x, y);
            y.read(0, new float[2], 0, 2);
            InOrder order = inOrder(cuda.api);
            ArgumentCaptor<CudaApi.Stream> stream = ArgumentCaptor.forClass(CudaApi.Stream.class);
            order.verify(cuda.api).upload(anyLong(), any(), eq(1200L), stream.capture());
            CudaApi.Stream only = stream.getValue();
            order.verify(cuda.api).launch(any(), eq(2), eq(256), eq(only), any());
            order.verify(cuda.api).download(any(), anyLong(), eq(8L), eq(only));
            order.verify(cuda.api).synchronize(only);
            verify(cuda.api, never()).record(any(), any());
        }
        assertThat(cuda.open).isEmpty();
    }

    @Test
    void aStreamWaitsOnceForWhatAnotherMakes() throws InterruptedException {
        try (CudaBackend backend = cuda.backend();
                CudaScope scope = backend.openScope()) {
            Tensor x = scope.allocate(Shape.of(8), DType.FLOAT32);
            backend.elementwise().fill(x, 1);
            inAnotherThread(() -> {
                Tensor y = scope.allocate(Shape.of(8), DType.FLOAT32);
                backend.elementwise().copy(x, y);
                backend.elementwise().copy(x, y);
            });
            verify(cuda.api, times(1)).record(any(), any());
            verify(cuda.api, times(1)).await(any(), any());
            clearInvocations(cuda.api);
            backend.elementwise().fill(x, 2);
            verify(cuda.api, times(1)).await(any(), any());
        }
        assertThat(cuda.open).isEmpty();
    }

    @Test
    void readersOfDifferentStreamsDoNotWaitForEachOther() throws InterruptedException {
        try (CudaBackend backend = cuda.backend();
                CudaScope scope = backend.openScope()) {
            Tensor x = scope.allocate(Shape.of(8), DType.FLOAT32);
            Tensor y = scope.allocate(Shape.of(8), DType.FLOAT32);
            backend.elementwise().copy(x, y);
            inAnotherThread(() -> backend.elementwise().copy(x, scope.allocate(Shape.of(8), DType.FLOAT32)));
            verify(cuda.api, never()).await(any(), any());
        }
    }

    private static void inAnotherThread(Runnable work) throws InterruptedException {
        Thread thread = new Thread(work);
        thread.start();
        thread.join();
    }

    @Test
    void whereMemoryEndsFreeBlocksAreGivenBackFirst() {
        CudaFailure full = new CudaFailure("cuMemAlloc", "CUDA_ERROR_OUT_OF_MEMORY (2)");
        try (CudaBackend backend = cuda.backend();
                CudaScope scope = backend.openScope()) {
            try (CudaScope before = backend.openScope()) {
                before.allocate(Shape.of(100), DType.FLOAT32);
            }
            assertThat(cuda.open).hasSize(1);
            doThrow(full).when(cuda.api).allocate(1 << 20);
            assertThatThrownBy(() -> scope.allocate(Shape.of(1 << 18), DType.FLOAT32))
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("[OutOfMemory]")
                    .hasMessageContaining("device 0 (fake)")
                    .hasMessageContaining("1,048,576")
                    .hasMessageContaining("smaller batch");
            verify(cuda.api, times(2)).allocate(1 << 20);
            assertThat(cuda.open).isEmpty();
            assertThat(backend.memory().usedBytes()).isZero();
            assertThat(backend.memory().openTensors()).isZero();
        }
    }

    static Stream<Arguments> failures() {
        CudaFailure failure = new CudaFailure("cuCall", "CUDA_ERROR_UNKNOWN (999)");
        Map<String, Consumer<CudaApi>> calls = new LinkedHashMap<>();
        calls.put("createStream", api -> doThrow(failure).when(api).createStream());
        calls.put("createEvent", api -> doThrow(failure).when(api).createEvent());
        calls.put("createBlas", api -> doThrow(failure).when(api).createBlas(any(), anyBoolean()));
        calls.put("allocate", api -> doThrow(failure).when(api).allocate(anyLong()));
        calls.put("upload", api -> doThrow(failure).when(api).upload(anyLong(), any(), anyLong(), any()));
        calls.put("compile", api -> doThrow(failure).when(api).compile(any(), any(), any()));
        calls.put("load", api -> doThrow(failure).when(api).load(any()));
        calls.put("function", api -> doThrow(failure).when(api).function(any(), any()));
        calls.put("launch", api -> doThrow(failure).when(api).launch(any(), anyInt(), anyInt(), any(), any()));
        calls.put("multiply", api -> doThrow(failure).when(api).multiply(any(), any(), any()));
        calls.put("clear", api -> doThrow(failure).when(api).clear(anyLong(), anyLong(), any()));
        calls.put("copy", api -> doThrow(failure).when(api).copy(anyLong(), anyLong(), anyLong(), any()));
        calls.put("download", api -> doThrow(failure).when(api).download(any(), anyLong(), anyLong(), any()));
        calls.put("synchronize", api -> doThrow(failure).doNothing().when(api).synchronize(any()));
        return calls.entrySet().stream().map(entry -> Arguments.of(entry.getKey(), entry.getValue()));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("failures")
    void everythingIsGivenBackWhateverFails(String call, Consumer<CudaApi> fail) {
        fail.accept(cuda.api);
        try (CudaBackend backend = cuda.backend()) {
            assertThatThrownBy(() -> useEverything(backend))
                    .as(call)
                    .isInstanceOf(BackpackException.class)
                    .hasMessageContaining("[CudaFailure]")
                    .hasMessageContaining("cuCall: CUDA_ERROR_UNKNOWN (999)")
                    .hasMessageContaining("device 0 (fake)")
                    .hasMessageContaining("[2, 3]");
            assertThat(backend.memory().openTensors()).isZero();
            assertThat(backend.memory().usedBytes()).isZero();
        }
        assertThat(cuda.open).isEmpty();
        verify(cuda.api).close();
    }

    private static void useEverything(CudaBackend backend) {
        try (TensorScope scope = backend.openScope()) {
            Tensor x = backend.upload(scope, Shape.of(2, 3), DType.FLOAT32, new double[6]);
            Tensor y = scope.allocate(Shape.of(2, 3), DType.FLOAT32);
            backend.elementwise().fill(y, 0);
            backend.elementwise().affine(x, 1, 1, y);
            backend.elementwise().copy(x, y);
            Tensor gram = scope.allocate(Shape.of(2, 2), DType.FLOAT32);
            backend.products().multiply(x, false, y, true, 1, 0, gram);
            y.toDoubleArray();
        }
    }

    @Test
    void everythingIsGivenBackWhereGivingBackFails() {
        CudaBackend backend = cuda.backend();
        useEverything(backend);
        doThrow(new CudaFailure("cuStreamSynchronize", "CUDA_ERROR_ILLEGAL_ADDRESS (700)"))
                .when(cuda.api)
                .synchronize(any());
        assertThatThrownBy(backend::close)
                .hasMessageContaining("Closing device 0 (fake) failed")
                .hasMessageContaining("CUDA_ERROR_ILLEGAL_ADDRESS (700)");
        verify(cuda.api).close();
        assertThat(cuda.open).noneMatch(Long.class::isInstance);
        backend.close();
        verify(cuda.api, times(1)).close();
    }

    @Test
    void tensorFloat32IsOffUnlessAskedFor() {
        for (boolean allowed : new boolean[] {false, true}) {
            FakeCuda fake = new FakeCuda();
            CudaOptions options = EmulatedCuda.options(false);
            CudaOptions changed = new CudaOptions(0, allowed, options.cache(), options.blockSizes(), false);
            try (CudaBackend backend = new CudaBackend(fake.api, changed);
                    CudaScope scope = backend.openScope()) {
                backend.elementwise().fill(scope.allocate(Shape.of(1), DType.FLOAT32), 0);
                verify(fake.api).createBlas(any(), eq(allowed));
            }
        }
    }

    @Test
    void whatTheHostWroteNeedsNoWayBack() {
        try (CudaBackend backend = cuda.backend();
                CudaScope scope = backend.openScope()) {
            Tensor targets = scope.allocate(Shape.of(4), DType.INT64);
            targets.write(0, new long[] {3, 1, 2, 0}, 0, 4);
            assertThat(targets.toLongArray()).containsExactly(3, 1, 2, 0);
            assertThat(scope.rows(targets, 1, 3).toLongArray()).containsExactly(1, 2);
            verify(cuda.api, never()).download(any(), anyLong(), anyLong(), any());
            backend.elementwise().fill(targets, 5);
            targets.toLongArray();
            verify(cuda.api, times(1)).download(any(), anyLong(), eq(32L), any());
        }
    }

    @Test
    void kernelsAreCompiledOncePerType() {
        try (CudaBackend backend = cuda.backend();
                CudaScope scope = backend.openScope()) {
            for (DType dtype : List.of(DType.FLOAT32, DType.FLOAT64, DType.FLOAT32)) {
                Tensor x = scope.allocate(Shape.of(4), dtype);
                backend.elementwise().affine(x, 2, 1, x);
                backend.elementwise().addScaled(2, x, x);
            }
            verify(cuda.api, times(2)).compile(eq("elementwise.cu"), any(), any());
            verify(cuda.api, times(4)).function(any(), any());
        }
    }
}
