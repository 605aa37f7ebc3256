// SPDX-License-Identifier: Apache-2.0
/** Makes the site: documents, gallery with its output, tables from descriptors, navigation; and checks its links. */
@NullMarked
package io.backpack4j.site;

import org.jspecify.annotations.NullMarked;
