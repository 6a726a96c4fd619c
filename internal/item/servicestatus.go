package item

// ServiceStatus is the panel's service_status of a certificate item (docs/reference/billmanager.md §4.1).
type ServiceStatus int

// The values that modules write.
const (
	ServiceRequested ServiceStatus = 3
	ServiceWaiting   ServiceStatus = 4
	ServiceIssued    ServiceStatus = 5
	ServiceFailed    ServiceStatus = 6
)
