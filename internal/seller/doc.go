// Package seller defines what the engines need of a seller of certificates (Seller and its optional interfaces) and the
// types that both sides share: products, requests, purchases, challenges, order status, prices. It asks nobody anything.
package seller
