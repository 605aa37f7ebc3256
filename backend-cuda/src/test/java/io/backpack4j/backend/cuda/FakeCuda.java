// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import static org.mockito.ArgumentMatchers.any;
import static org.mockito.ArgumentMatchers.anyBoolean;
import static org.mockito.ArgumentMatchers.anyLong;
import static org.mockito.Mockito.lenient;
import static org.mockito.Mockito.mock;

import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;

/** A mock of CUDA that hands out what it is asked for, and knows what was not given back. */
final class FakeCuda {

    final CudaApi api = mock(CudaApi.class);
    final Set<Object> open = new HashSet<>();
    private final AtomicLong next = new AtomicLong(1 << 20);

    FakeCuda() {
        lenient().when(api.device()).thenReturn("device 0 (fake)");
        lenient().when(api.architecture()).thenReturn("sm_00");
        lenient().when(api.compiler()).thenReturn("none");
        lenient().when(api.compile(any(), any(), any())).thenReturn(new byte[] {1});
        lenient().when(api.allocate(anyLong())).thenAnswer(call -> opened(next.getAndAdd(1 << 20)));
        lenient().when(api.createStream()).thenAnswer(call -> opened(mock(CudaApi.Stream.class)));
        lenient().when(api.createEvent()).thenAnswer(call -> opened(mock(CudaApi.Event.class)));
        lenient().when(api.createBlas(any(), anyBoolean())).thenAnswer(call -> opened(mock(CudaApi.Blas.class)));
        lenient().when(api.load(any())).thenAnswer(call -> opened(mock(CudaApi.Module.class)));
        lenient().when(api.function(any(), any())).thenAnswer(call -> mock(CudaApi.Function.class));
        lenient().doAnswer(call -> closed(call.getArgument(0))).when(api).free(anyLong());
        lenient().doAnswer(call -> closed(call.getArgument(0))).when(api).destroy(any(CudaApi.Stream.class));
        lenient().doAnswer(call -> closed(call.getArgument(0))).when(api).destroy(any(CudaApi.Event.class));
        lenient().doAnswer(call -> closed(call.getArgument(0))).when(api).destroy(any(CudaApi.Blas.class));
        lenient().doAnswer(call -> closed(call.getArgument(0))).when(api).unload(any());
    }

    private <T> T opened(T thing) {
        open.add(thing);
        return thing;
    }

    private Object closed(Object thing) {
        if (!open.remove(thing)) {
            throw new AssertionError(thing + " was given back, but was not open");
        }
        return null;
    }

    CudaBackend backend() {
        return new CudaBackend(api, new CudaOptions(0, false, Optional.empty(), BlockSizes::eighths, false));
    }
}
