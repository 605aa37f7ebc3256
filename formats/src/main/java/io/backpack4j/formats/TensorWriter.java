// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

/** A file of tensors in the making; see {@link SafetensorsWriter}, whose methods these are. */
interface TensorWriter extends AutoCloseable {

    void write(String name, long from, double[] source, int offset, int count);

    void write(String name, long from, long[] source, int offset, int count);

    void commit();

    @Override
    void close();
}
