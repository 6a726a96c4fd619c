// Package seller defines the interfaces between the engines and a seller of certificates (Seller and its optional
// interfaces) and the types that both share: products, requests, purchases, challenges, order status, prices. It does no
// I/O.
package seller
