// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import java.util.ArrayList;
import java.util.List;

/**
 * Some streams, dealt out to threads in turn: a pass runs in one thread, and so in one stream. Work of different
 * streams is ordered where it meets in a block of memory: what writes waits for all that used the block, what reads for
 * the last that wrote. Guarded by {@link Device}.
 */
final class Streams {

    /** More threads than this share streams. */
    private static final int LIMIT = 8;

    private final CudaApi api;
    private final boolean tensorFloat32;
    private final List<CudaStream> streams = new ArrayList<>();
    private final ThreadLocal<Integer> ofThread = new ThreadLocal<>();
    private int dealt;

    Streams(CudaApi api, boolean tensorFloat32) {
        this.api = api;
        this.tensorFloat32 = tensorFloat32;
    }

    /** The stream of this thread. */
    CudaStream current() {
        Integer index = ofThread.get();
        if (index == null) {
            if (streams.size() < LIMIT) {
                streams.add(create(streams.size()));
            }
            index = dealt++ % LIMIT;
            ofThread.set(index);
        }
        return streams.get(index);
    }

    private CudaStream create(int index) {
        CudaApi.Stream handle = api.createStream();
        CudaApi.Event event = null;
        try {
            event = api.createEvent();
            return new CudaStream(handle, api.createBlas(handle, tensorFloat32), event, index, LIMIT);
        } catch (CudaFailure failure) {
            if (event != null) {
                api.destroy(event);
            }
            api.destroy(handle);
            throw failure;
        }
    }

    /** Before a stream uses a block: makes it wait for what other streams do with it. */
    void order(CudaStream stream, Block block, boolean writes) {
        for (Block.Use use : block.uses) {
            boolean behind = stream.seen[use.stream().index] < use.tick();
            if (use.stream() != stream && behind && (writes || use.writes())) {
                api.record(use.stream().event, use.stream().handle);
                api.await(stream.handle, use.stream().event);
                stream.seen[use.stream().index] = use.stream().ticks;
            }
        }
    }

    /** After an operation of {@code stream} was enqueued: remembers that it used a block. */
    void remember(CudaStream stream, Block block, boolean writes) {
        if (writes) {
            block.uses.clear();
        } else {
            block.uses.removeIf(use -> use.stream() == stream && !use.writes());
        }
        block.uses.add(new Block.Use(stream, stream.ticks, writes));
    }

    /** Waits for all that is known to use a block. */
    void finish(Block block) {
        for (Block.Use use : block.uses) {
            api.synchronize(use.stream().handle);
        }
        block.uses.clear();
    }

    void close() {
        for (CudaStream stream : streams) {
            api.synchronize(stream.handle);
            api.destroy(stream.blas);
            api.destroy(stream.event);
            api.destroy(stream.handle);
        }
        streams.clear();
    }
}
